/**
 * From import to first prediction: fresh processes, measured inside each from before the import of the built package
 * to the score of the first token by a small trained model, loaded from bytes.
 *
 *     npm run build && npm run bench:startup -- [--runs 40] [--hidden 128] [--embedding 32] [--json]
 *
 * Prints medians in milliseconds; `floor` is the import of a module that holds nothing.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

type Package = typeof import("../src/entries/index.ts");

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: "string", default: "40" },
    embedding: { type: "string", default: "32" },
    hidden: { type: "string", default: "128" },
    json: { type: "boolean", default: false },
    child: { type: "boolean", default: false },
  },
});
const PACKAGE = pathToFileURL("dist/index.js").href;
const EMPTY = "build/startup/empty.mjs";
const MODEL = "build/startup/model.safetensors";
const TEXT = "Call me Ishmael. Some years ago, never mind how long precisely, having little or no money,\n";

interface Times {
  readonly floor: number;
  readonly import: number;
  readonly load: number;
  readonly predict: number;
  readonly total: number;
}

async function measure(): Promise<Times> {
  const bytes = new Uint8Array(readFileSync(MODEL));
  const before = performance.now();
  await import(pathToFileURL(EMPTY).href);
  const start = performance.now();
  const { LanguageModel }: Package = await import(PACKAGE);
  const imported = performance.now();
  const model = await LanguageModel.load(bytes);
  const loaded = performance.now();
  await model.score("Ca");
  const end = performance.now();
  return {
    floor: start - before,
    import: imported - start,
    load: loaded - imported,
    predict: end - loaded,
    total: end - start,
  };
}

/** Trained for one step, so that it has a posterior as models have. */
async function makeModel(): Promise<number> {
  const { Corpus, fit, LanguageModel }: Package = await import(PACKAGE);
  const corpus = await Corpus.open(TEXT.repeat(4), { tokenizer: "character" });
  const [embedding, hidden] = [Number(values.embedding), Number(values.hidden)];
  const model = await LanguageModel.create({ tokenizer: corpus.tokenizer, embedding, hidden });
  for await (const _ of fit(model, corpus, { batch: 1, sequence: 16, epochs: 0.01 }));
  mkdirSync("build/startup", { recursive: true });
  writeFileSync(MODEL, model.toBytes());
  writeFileSync(EMPTY, "export {};\n");
  return model.parameters;
}

function median(numbers: readonly number[]): number {
  const sorted = Float64Array.from(numbers).sort();
  return Number(sorted[sorted.length >> 1].toFixed(2));
}

if (values.child) console.log(JSON.stringify(await measure()));
else {
  const parameters = await makeModel();
  const script = fileURLToPath(import.meta.url);
  const rows = Array.from({ length: Number(values.runs) }, (): Times => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, "--child"], { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  });
  const of = (name: keyof Times) => median(rows.map((row) => row[name]));
  const medians = { floor: of("floor"), import: of("import"), load: of("load"), predict: of("predict") };
  const total = of("total");
  const best = Number(Math.min(...rows.map((row) => row.total)).toFixed(2));
  if (values.json) console.log(JSON.stringify({ parameters, ...medians, total, best, runs: rows.length }));
  else console.table({ ...medians, total, best });
}
