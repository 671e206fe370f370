import { threads } from "svi-lm/threads";
import { connect } from "svi-lm/worker";
import { job } from "./job.js";
import { everywhere, report } from "./page.js";

// The page alone says which addresses its workers may have.
const policy = trustedTypes.createPolicy("app", { createScriptURL: (path) => path });

report(() =>
  everywhere(
    job,
    () => connect(new Worker(policy.createScriptURL("/worker.js"))),
    () => threads({ count: 2, worker: () => new Worker(policy.createScriptURL("/threads.js")) }),
  ),
);
