import { job } from "./job.js";
import { report } from "./page.js";

report(job);
