import { job } from "./job.js";

export default {
  async fetch() {
    return Response.json(await job());
  },
};
