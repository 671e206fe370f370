import { job } from "./job.js";

const result = await job();

export default { fetch: () => Response.json(result) };
