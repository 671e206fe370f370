/** @module What a thread of `trainSharded` runs. */
import "../kernels/embedded.ts";
import { serveJobs } from "../distributed/thread.ts";

serveJobs();
