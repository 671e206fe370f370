import { threads } from "svi-lm/threads";
import { job } from "./job.js";

// A worker of the caller's, which trains on threads of its own.
addEventListener("message", async () => {
  const kernels = await threads({ count: 2 });
  const result = await job(undefined, kernels);
  await kernels.dispose();
  postMessage(result);
});
