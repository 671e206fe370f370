import { threads } from "svi-lm/threads";
import { connect } from "svi-lm/worker";
import { job } from "./job.js";
import { everywhere, report } from "./page.js";

// esbuild leaves `new URL` alone: the page makes the workers, from bundles of their own.
report(() =>
  everywhere(
    job,
    () => connect(new Worker("/worker.js")),
    () => threads({ count: 2, worker: () => new Worker("/threads.js") }),
  ),
);
