/** @module Models, and what is asked of one as a whole, as a worker serves them. */
import { importModel } from "../../importModel.ts";
import { LanguageModel } from "../../languageModel.ts";
import { move } from "../channel.ts";
import type { ThreadFunctions } from "../protocol.ts";
import type { Serving } from "./serving.ts";
import { tokenizerOf } from "./texts.ts";

type ModelFunctions = Pick<
  ThreadFunctions,
  | "createModel"
  | "loadModel"
  | "importModel"
  | "toBytes"
  | "hash"
  | "embedding"
  | "posterior"
  | "disposeModel"
>;

export function modelFunctions(serving: Serving): ModelFunctions {
  const { objects, jobs, json } = serving;
  return {
    createModel: async ({ tokenizer, ...options }) =>
      objects.keepModel(
        await LanguageModel.create({ ...options, tokenizer: tokenizerOf(serving, tokenizer) }),
      ),
    loadModel: (job, source) =>
      jobs.heeding(job, async (signal) =>
        objects.keepModel(await LanguageModel.load(source, { json, signal })),
      ),
    importModel: (job, source, { tokenizer, ...options }) =>
      jobs.heeding(job, async (signal) => {
        const own = tokenizerOf(serving, tokenizer);
        return objects.keepModel(await importModel(source, { ...options, tokenizer: own, signal }));
      }),
    toBytes: (model) => {
      const bytes = objects.model(model).toBytes();
      return move(bytes, bytes.buffer);
    },
    hash: (model) => objects.model(model).hash(),
    embedding: (model, token) => objects.model(model).embedding(token),
    posterior: (model) => {
      const { mean, precision, lambda } = objects.model(model).posterior;
      const copy = { mean: mean.slice(), precision: precision?.slice() ?? null, lambda };
      return move(copy, copy.mean.buffer, copy.precision?.buffer);
    },
    disposeModel: (model) => objects.model(model).dispose(),
  };
}
