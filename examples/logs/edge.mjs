// As an edge function: POST lines, get the unusual ones. The bucket LOGS holds lines.svi.
import { LanguageModel } from "svi-lm";

let loaded;

export default {
  async fetch(request, env) {
    loaded ??= env.LOGS.get("lines.svi").then(async (file) => LanguageModel.load(await file.arrayBuffer()));
    const model = await loaded;
    const lines = (await request.text()).split("\n");
    const unusual = [];
    for await (const { index, error, surprise } of model.scoreAll(lines, { context: "\n" }))
      if (!error && surprise > Number(env.BOUND)) unusual.push({ line: lines[index], surprise });
    return Response.json(unusual);
  },
};
