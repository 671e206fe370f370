import { connect } from "svi-lm/worker";
import { job } from "./job.js";
import { report, twice } from "./page.js";

// The worker is found by its `new URL` inside the package.
report(() => twice(job, () => connect()));
