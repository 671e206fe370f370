/**
 * This build against another one of the same package, in turn in one process: a training step of models A and B by
 * Adam and IVON, float32 and int16, and a predicted token. Ratios are of medians, this over other: below 1 is faster.
 *
 *   npm run build && npm run bench:against -- --other ../older/dist [--seconds 20] [--json]
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    other: { type: "string" },
    seconds: { type: "string", default: "20" },
    json: { type: "boolean", default: false },
  },
});
if (!values.other) throw new Error("--other names the dist folder of the other build");

const SHAPES = {
  A: { vocabulary: 96, embedding: 128, hidden: 256, layers: 2 },
  B: { vocabulary: 10_000, embedding: 200, hidden: 200, layers: 2 },
};
const READING = { batch: 20, sequence: 35 };
/** What cannot be learnt must not move: saturated gates take some processors longer. */
const STILL = { learningRate: 1e-6 };
const builds = await Promise.all(
  ["dist", values.other].map((folder) => import(pathToFileURL(resolve(folder, "index.js")).href)),
);

function median(times) {
  return Float64Array.from(times).sort()[times.length >> 1];
}

/** Two more are the tokenizer's own. */
function wordsOf(vocabulary) {
  return Array.from({ length: vocabulary - 2 }, (_, i) => `w${i}`);
}

/** The same tokens for both builds. */
function tokensOf(size, count) {
  let state = 1;
  return Int32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return 2 + (state % (size - 2));
  });
}

async function created({ LanguageModel, wordTokenizer }, { vocabulary, ...shape }) {
  const tokenizer = wordTokenizer({ words: wordsOf(vocabulary) });
  return { tokenizer, model: await LanguageModel.create({ tokenizer, ...shape, seed: 1 }) };
}

async function trainingSteps(build, shape, method, products) {
  const { tokenizer, model } = await created(build, shape);
  const corpus = build.Corpus.fromTokens(tokensOf(shape.vocabulary, 400_000), tokenizer);
  const options = { ...READING, inference: build[method](STILL), epochs: 1000, products };
  const steps = build.fit(model, corpus, options)[Symbol.asyncIterator]();
  return {
    once: async () => void (await steps.next()),
    end: async () => void (await steps.return?.()),
  };
}

async function predictedTokens(build, shape) {
  const { tokenizer, model } = await created(build, shape);
  const prompt = tokenizer.decode(tokensOf(shape.vocabulary, 4));
  return {
    once: async () => {
      for await (const _ of model.generate({ prompt, tokens: 200, seed: 1 }));
    },
    end: async () => {},
  };
}

/** In turn, and each the first one as often as the other. */
async function compared(start) {
  const both = [];
  for (const build of builds) both.push(await start(build));
  for (const { once } of both) for (let i = 0; i < 3; i++) await once();
  const times = [[], []];
  const end = performance.now() + Number(values.seconds) * 1000;
  for (let turn = 0; performance.now() < end || turn < 10; turn++)
    for (const which of turn % 2 ? [1, 0] : [0, 1]) {
      const started = performance.now();
      await both[which].once();
      times[which].push(performance.now() - started);
    }
  for (const run of both) await run.end();
  const [own, other] = times.map(median);
  return { own, other, ratio: own / other };
}

const rows = {};
for (const [name, shape] of Object.entries(SHAPES)) {
  for (const method of ["adam", "ivon"])
    for (const products of ["float32", "int16"])
      rows[`step ${name}, ${method}, ${products}`] = (build) => trainingSteps(build, shape, method, products);
  rows[`200 tokens ${name}`] = (build) => predictedTokens(build, shape);
}
const results = {};
for (const [name, start] of Object.entries(rows)) {
  results[name] = await compared(start);
  const { own, other, ratio } = results[name];
  if (!values.json)
    console.log(`${name.padEnd(24)} ${own.toFixed(2)} ms  ${other.toFixed(2)} ms  ${ratio.toFixed(3)}`);
}
if (values.json) console.log(JSON.stringify(results));
