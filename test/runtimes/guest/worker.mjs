// workerd: bundled as wrangler would, answers any request.
import * as library from "svi-lm";
import { run } from "./cases.mjs";

export default {
  async fetch() {
    try {
      return Response.json(await run(library));
    } catch (error) {
      return new Response(`${error}\n${error.stack}`, { status: 500 });
    }
  },
};
