import { connect } from "svi-lm/worker";
import { job } from "./job.js";
import { everywhere, report } from "./page.js";

// In a sandboxed frame: of no origin, so that a worker's file must come as a Blob.
report(() =>
  everywhere(job, async () => {
    const file = await (await fetch("/worker.js")).blob();
    return connect(new Worker(URL.createObjectURL(file)));
  }),
);
