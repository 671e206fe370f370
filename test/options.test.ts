/**
 * Whatever is called wrongly says so by an SviError: an option that there is not, a value of another type. One table
 * holds what the package exports, and a function that is missing here fails a test.
 */
import { describe, expect, test } from "vitest";
import * as core from "../src/entries/index.ts";
import * as metrics from "../src/entries/metrics.ts";
import * as rescoring from "../src/entries/rescoring.ts";
import { threads } from "../src/entries/threads.ts";
import { jsonTokenizer } from "../src/entries/tokenizers.ts";
import * as translation from "../src/entries/translation.ts";
import { connect } from "../src/entries/worker.ts";

const { Background, Corpus, LanguageModel, SviError } = core;
const TEXT = "a b\tc\n".repeat(20);
const RUN = { epochs: 1, batch: 2, sequence: 8 };

const corpus = await Corpus.open(TEXT, { tokenizer: "character" });
const pairs = await Corpus.pairs([["a", "b"]], { tokenizer: corpus.tokenizer });
const model = await LanguageModel.create({ tokenizer: corpus.tokenizer, embedding: 4, hidden: 4 });
for await (const _ of core.fit(model, corpus, RUN));
const paired = await LanguageModel.create({ tokenizer: corpus.tokenizer, embedding: 4, hidden: 4 });
for await (const _ of core.fit(paired, pairs, { epochs: 1, batch: 1 }));
const session = await model.session();
await session.read("a");
const learning = await model.session({ learner: core.learner() });
const { tokenizer } = corpus;
const lists = [{ id: "1", candidates: [{ text: "a", scores: { score: 1 } }] }];
const rate = metrics.wordErrorRate(["a b"], ["a c"]);
const tensors = { weight: { shape: [1], data: [1] } };
const file = { name: "lists.tsv", text: "1\ta\t0.5\n" };

// Callers without TypeScript.
type Call = (...args: never[]) => unknown;
interface Case {
  readonly call: Call;
  readonly args: readonly unknown[];
  /** Place of the options among them; there are none where it is omitted. */
  readonly options?: number;
}
const of = (call: unknown, args: readonly unknown[], options?: number): Case => ({
  call: call as Call,
  args,
  options,
});

const CASES: Record<string, Case> = {
  adam: of(core.adam, [{}], 0),
  adamw: of(core.adamw, [{}], 0),
  adapt: of(core.adapt, [model, corpus, RUN], 2),
  "Background.count": of(Background.count, [corpus, {}], 1),
  bbb: of(core.bbb, [{}], 0),
  characterTokenizer: of(core.characterTokenizer, [{ characters: "ab" }], 0),
  "Corpus.fromStream": of(
    Corpus.fromStream,
    [new Blob(["abc"]).stream(), { tokenizer: core.byteTokenizer(), tokens: 3, lanes: "interleaved" }],
    1,
  ),
  "Corpus.fromTokens": of(Corpus.fromTokens, [[1, 2, 3], tokenizer]),
  "Corpus.open": of(Corpus.open, [TEXT, { tokenizer }], 1),
  "Corpus.pairs": of(Corpus.pairs, [[["a", "b"]], { tokenizer }], 1),
  "corpus.lanes": of(corpus.lanes.bind(corpus), [{ batch: 1, sequence: 4 }], 0),
  "corpus.slice": of(corpus.slice.bind(corpus), [0, 4]),
  "corpus.split": of(corpus.split.bind(corpus), [[0.5, 0.5]]),
  evaluate: of(core.evaluate, [model, corpus, {}], 2),
  fit: of(core.fit, [model, corpus, RUN], 2),
  fitTemperature: of(core.fitTemperature, [model, corpus, {}], 2),
  gaussianPrior: of(core.gaussianPrior, [1]),
  importModel: of(core.importModel, [new Uint8Array(8), { tokenizer }], 1),
  ivon: of(core.ivon, [{}], 0),
  "LanguageModel.create": of(LanguageModel.create, [{ tokenizer, hidden: 4, embedding: 4 }], 0),
  "LanguageModel.load": of(LanguageModel.load, [model.toBytes(), {}], 1),
  int16Products: of(core.int16Products, []),
  learner: of(core.learner, [{}], 0),
  learnTokenizer: of(core.learnTokenizer, [TEXT, { kind: "word" }], 1),
  "model.embedding": of(model.embedding.bind(model), [0]),
  "model.hash": of(model.hash.bind(model), []),
  "model.save": of(model.save.bind(model), [new WritableStream<Uint8Array>()]),
  "model.toBytes": of(model.toBytes.bind(model), []),
  "model.generate": of(model.generate.bind(model), [{ tokens: 1 }], 0),
  "model.score": of(model.score.bind(model), ["a b", {}], 1),
  "model.scoreAll": of(model.scoreAll.bind(model), [["a b"], {}], 1),
  "model.session": of(model.session.bind(model), [{}], 0),
  modelFromTensors: of(core.modelFromTensors, [tensors, { tokenizer }], 1),
  posteriorPrior: of(core.posteriorPrior, [model.posterior, {}], 1),
  scaleMixturePrior: of(core.scaleMixturePrior, [0.5, 1, 0.1]),
  schedule: of(core.schedule, ["cosine", {}], 1),
  "session.complete": of(session.complete.bind(session), [{ prefix: "" }], 0),
  "session.distribution": of(session.distribution.bind(session), []),
  "session.fork": of(session.fork.bind(session), []),
  "session.learn": of(learning.learn.bind(learning), [{}], 0),
  "session.toBytes": of(session.toBytes.bind(session), []),
  "session.read": of(session.read.bind(session), ["a"]),
  "session.top": of(session.top.bind(session), [3]),
  sgd: of(core.sgd, [{}], 0),
  textPieces: of(core.textPieces, [tokenizer, [1]]),
  "tokenizer.continue": of(tokenizer.continue, [[1], [2]]),
  "tokenizer.decode": of(tokenizer.decode, [[1]]),
  "tokenizer.encode": of(tokenizer.encode, ["a"]),
  tokenizerFromDescription: of(core.tokenizerFromDescription, [{ kind: "byte" }, {}], 1),
  wordTokenizer: of(core.wordTokenizer, [{ words: ["a"] }], 0),
  bleu: of(metrics.bleu, [["a b"], [["a b"]], {}], 2),
  characterErrorRate: of(metrics.characterErrorRate, [["a"], ["b"], {}], 2),
  characterErrors: of(metrics.characterErrors, ["a", "b", {}], 2),
  chrf: of(metrics.chrf, [["a b"], [["a b"]], {}], 2),
  interval: of(metrics.interval, [rate, {}], 1),
  pairedInterval: of(metrics.pairedInterval, [rate, rate, {}], 2),
  sentenceBleu: of(metrics.sentenceBleu, ["a b", ["a b"], {}], 2),
  sentenceChrf: of(metrics.sentenceChrf, ["a b", ["a b"], {}], 2),
  wordErrorRate: of(metrics.wordErrorRate, [["a"], ["b"], {}], 2),
  wordErrors: of(metrics.wordErrors, ["a", "b", {}], 2),
  modelScorer: of(rescoring.modelScorer, [model, {}], 1),
  readLists: of(rescoring.readLists, [[file], "tsv"]),
  readReferences: of(rescoring.readReferences, [{ name: "ref", text: "1 a\n" }]),
  rescore: of(rescoring.rescore, [lists, null, {}], 2),
  translate: of(translation.translate, [paired, "a", {}], 2),
  translateAll: of(translation.translateAll, [paired, ["a"], {}], 2),
  threads: of(threads, [{ count: 1 }], 0),
  connect: of(connect, [null, {}], 1),
  jsonTokenizer: of(jsonTokenizer, ["{}", null]),
};

/** What takes nothing, or is tried with its class or by those above. */
const LEFT_OUT = ["bayesByBackprop", "byteTokenizer", "capabilities", "percent", "writeLists"];

/** Calls, and takes the first of what it gives piece by piece. @returns what it threw */
async function thrown({ call }: Case, args: readonly unknown[]): Promise<unknown> {
  try {
    const made = (await call(...(args as never[]))) as { next?: () => unknown; return?: () => unknown };
    if (made && typeof made === "object" && Symbol.asyncIterator in made) {
      await made.next?.();
      await made.return?.();
    }
    await (made as { dispose?: () => unknown } | null)?.dispose?.();
  } catch (error) {
    return error;
  }
  return null;
}

test("all that the package exports is called here", () => {
  for (const entry of [core, metrics, rescoring, translation])
    for (const [name, value] of Object.entries(entry))
      if (typeof value === "function" && /^[a-z]/.test(name) && !LEFT_OUT.includes(name))
        expect(CASES).toHaveProperty([name]);
});

describe("an option that there is not", () => {
  const having = Object.entries(CASES).filter(([, { options }]) => options !== undefined);
  test.each(having)("%s", async (name, one) => {
    const args = one.args.map((arg, i) => (i === one.options ? { ...(arg as object), sampels: 8 } : arg));
    const own = name.replace(/^(model|session|corpus)\./, "");
    expect(await thrown(one, args)).toMatchObject({
      code: "E_OPTION",
      option: "sampels",
      problem: `${own} has no option sampels`,
    });
  });
});

/** Methods that an option could be given to, behind all that they take: it would be ignored. */
const EXACT = Object.keys(CASES).filter(
  (name) =>
    /^(model|session)\./.test(name) || ["corpus.slice", "corpus.split", "Corpus.fromTokens"].includes(name),
);
/** A callback of `map`: it is given places and lists too. */
const LENIENT = ["model.embedding"];

test.each(EXACT.filter((name) => !LENIENT.includes(name)))("an argument too many: %s", async (name) => {
  const own = name.replace(/^(model|session|corpus)\./, "");
  for (const more of [{ quantized: "int8" }, 3, null])
    expect(await thrown(CASES[name], [...CASES[name].args, more])).toMatchObject({
      code: "E_OPTION",
      option: "arguments",
      problem: expect.stringContaining(`Another argument of ${own} is`),
    });
  expect(await thrown(CASES[name], [...CASES[name].args, undefined])).toBeNull();
});

describe("a value of another type", () => {
  const WRONG = [null, 5, Number.NaN, "abc", true, {}, [], [null], [{}], () => {}, Symbol("s"), 5n];
  test.each(Object.entries(CASES))("%s", async (_, one) => {
    for (const place of one.args.keys())
      for (const wrong of WRONG) {
        // It begins a worker.
        if (one.call === (connect as Call) && place === 1 && typeof wrong === "object") continue;
        if (one.call === (threads as Call) && typeof wrong === "object") continue;
        const error = await thrown(
          one,
          one.args.map((arg, i) => (i === place ? wrong : arg)),
        );
        if (error !== null) expect(error, `argument ${place}: ${String(wrong)}`).toBeInstanceOf(SviError);
      }
  });

  const having = Object.entries(CASES).filter(([, { options }]) => options !== undefined);
  test.each(having)("of an option of %s", async (name, one) => {
    const own = one.args[one.options!] as object;
    const refused = await thrown(
      one,
      one.args.map((arg, i) => (i === one.options ? { ...own, sampels: 8 } : arg)),
    );
    const names = /(?:All of them: |Give )(.*)$/.exec((refused as InstanceType<typeof SviError>).remedy)![1];
    for (const option of names.split(", "))
      for (const wrong of WRONG) {
        // They wait for one, or start threads.
        if (["connect", "threads"].includes(name) && ["timeout", "count", "worker"].includes(option))
          continue;
        const error = await thrown(
          one,
          one.args.map((arg, i) => (i === one.options ? { ...own, [option]: wrong } : arg)),
        );
        if (error !== null) expect(error, `${option}: ${String(wrong)}`).toBeInstanceOf(SviError);
      }
  });
});

test.each([
  ["encode of a number", () => tokenizer.encode(5 as never)],
  ["decode of a number", () => tokenizer.decode(5 as never)],
  ["decode of a text", () => tokenizer.decode("1" as never)],
  ["encode of a list", () => core.byteTokenizer().encode(["a"] as never)],
  ["words of a number", () => core.wordTokenizer({ words: ["a"] }).encode(5 as never)],
  ["a prefix of 0", () => session.complete({ prefix: 0 as never })],
  ["a prefix of NaN", () => session.complete({ prefix: Number.NaN as never })],
  ["kernels that are none", () => model.score("a b", { kernels: {} as never })],
  ["a prompt of 0", () => model.generate({ prompt: 0 as never }).next()],
])("nothing is taken for a text, a list or kernels: %s", async (_, call) => {
  await expect((async () => call())()).rejects.toMatchObject({ code: "E_OPTION" });
});

test.each([
  [() => threads({ count: "2" as never }), 'count is "2". Give a number'],
  [() => session.top("8" as never), 'count is "8". Give an integer'],
  [() => session.top([] as never), "count is an array. Give an integer"],
  [() => LanguageModel.load(undefined as never), "The source is undefined. Give a Uint8Array"],
  [() => LanguageModel.load(null as never), "The source is null. Give a Uint8Array"],
  [() => LanguageModel.load([] as never), "The source is an array. Give a Uint8Array"],
])("messages say of what type a value is: %#", async (call, begins) => {
  await expect((async () => call())()).rejects.toThrow(begins);
});
