import { connect } from "svi-lm/worker";
import { job } from "./job.js";
import { report, twice } from "./page.js";

// esbuild leaves `new URL` alone: the page makes the worker, from a bundle of its own.
report(() => twice(job, () => connect(new Worker("/thread.js"))));
