import * as distributed from "svi-lm/distributed";
import * as federated from "svi-lm/federated";
import * as metrics from "svi-lm/metrics";
import { openFile } from "svi-lm/node";
import * as rescoring from "svi-lm/rescoring";
import { threads } from "svi-lm/threads";
import * as tokenizers from "svi-lm/tokenizers";
import * as translation from "svi-lm/translation";
import { connect } from "svi-lm/worker";
import { job } from "./job.js";
import { everywhere } from "./page.js";

// Node shares memory everywhere, and says nothing of it.
globalThis.crossOriginIsolated = true;
for (const entry of [distributed, federated, metrics, rescoring, tokenizers, translation, { openFile }])
  if (Object.keys(entry).length === 0) throw new Error("An entry point came empty");
everywhere(job, connect, () => threads({ count: 2 })).then((result) => console.log(JSON.stringify(result)));
