import { threads } from "svi-lm/threads";
import { connect } from "svi-lm/worker";
import { job } from "./job.js";
import { everywhere, report } from "./page.js";

// Both workers are found by their `new URL` inside the package.
report(() => everywhere(job, connect, () => threads({ count: 2 })));
