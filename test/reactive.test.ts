/** Models in the state of a page: what Vue makes proxies of must not be ours. */
import { reactive, ref } from "@vue/reactivity";
import { expect, test } from "vitest";
import { LanguageModel } from "../src/languageModel.ts";
import { Corpus } from "../src/text/corpus.ts";
import { byteTokenizer, characterTokenizer } from "../src/text/tokenizer.ts";
import { fit } from "../src/training/fit.ts";
import { buildWorker } from "./worker/support.ts";

const TEXT = "the sea the sea the sea ".repeat(20);
const SIZES = { embedding: 4, hidden: 4 };
const RUN = { epochs: 1, batch: 2, sequence: 8 };

test.each([
  ["bytes", byteTokenizer()],
  ["characters", characterTokenizer({ characters: TEXT })],
])(
  "a model of %s in a ref, a corpus and a tokenizer in reactive state, are trained and asked",
  async (_, tokenizer) => {
    const state = reactive({
      tokenizer,
      corpus: await Corpus.open(TEXT, { tokenizer }),
      models: [await LanguageModel.create({ tokenizer, ...SIZES })],
    });
    // The types of ref know no private fields.
    const model = ref(state.models[0]) as unknown as { value: LanguageModel };
    const corpus = state.corpus as unknown as Corpus;
    for await (const _ of fit(model.value, corpus, RUN));
    const { tokens } = await model.value.score("the sea");
    expect(tokens).toHaveLength(6);
    expect(model.value.hash()).toBe(state.models[0].hash());
    expect(corpus.slice(2, 9).tokens).toBe(7);
    expect(await LanguageModel.create({ ...SIZES, tokenizer: state.tokenizer })).toBeDefined();
  },
);

test("the same from a worker", { timeout: 60_000 }, async () => {
  const { connect } = await buildWorker();
  const svi = ref(await connect());
  const { Corpus, LanguageModel, fit } = svi.value;
  const corpus = ref(await Corpus.open(TEXT, { tokenizer: "byte" }));
  const model = ref(await LanguageModel.create({ tokenizer: corpus.value.tokenizer, ...SIZES }));
  for await (const _ of fit(model.value as never, corpus.value as never, RUN));
  expect((await model.value.score("the sea")).tokens).toHaveLength(6);
  svi.value.terminate();
});
