/** @module `svi-lm compare`: the same model by several methods, a table and an HTML report. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { htmlReport } from "../comparison/html.ts";
import { ALSO, type Also, TITLES } from "../comparison/methods.ts";
import type { MethodRuns } from "../comparison/protocol.ts";
import { type Compared, reportCorpus } from "../comparison/report.ts";
import type { Figures, RunRecord } from "../comparison/run.ts";
import { average } from "../comparison/statistics.ts";
import { testFigures } from "../comparison/summary.ts";
import { costOf } from "../comparison/wording.ts";
import { writeFileAtomically } from "../entries/node.ts";
import { requireInteger, requireNumber } from "../errors.ts";
import { makeFolder } from "../formats/file.ts";
import { command, type Values } from "./command.ts";
import { Pool } from "./compare/pool.ts";
import { compareOn, type Subject } from "./compare/session.ts";
import { RunStore } from "./compare/store.ts";
import { watchRuns } from "./compare/watch.ts";
import { lockFolder } from "./folderLock.ts";
import { readText } from "./inputs.ts";
import { note, printJson, printTable } from "./print.ts";
import { UsageError } from "./usage.ts";

const OPTIONS = {
  out: {
    kind: "path",
    use: "folder",
    holds: ["report.html"],
    value: "DIR",
    default: "comparison",
    help: "folder of the report and of finished runs",
  },
  tokenizer: {
    kind: "choice",
    choices: ["byte", "character", "word"],
    synonyms: { char: "character" },
    default: "byte",
    help: "character, word: the vocabulary is learnt from the training part",
  },
  "max-vocabulary": { kind: "number", help: "character, word: the rarest symbols beyond become unknown" },
  embedding: { kind: "number", default: 64, help: "width of the embedding" },
  hidden: { kind: "number", default: 256, help: "units of a layer" },
  layers: { kind: "number", default: 1, help: "LSTM layers, 1 to 4" },
  batch: { kind: "number", default: 32, help: "lanes of text read side by side" },
  sequence: { kind: "number", default: 64, help: "tokens that gradients flow back through" },
  epochs: { kind: "number", value: "X", default: 5, help: "readings of the training part" },
  trials: { kind: "number", default: 4, help: "values of each tuning axis at least; 0 tunes nothing" },
  also: {
    kind: "text",
    value: "NAME,NAME…",
    help: `stronger baselines and variants beside them, of: ${ALSO.join(", ")}; or all`,
  },
  seeds: { kind: "number", default: 1, help: "runs of every tuned method, seeds 1, 2, …" },
  workers: { kind: "number", default: 1, help: "processes at a time" },
} as const;

export const compare = command({
  name: "compare",
  summary: "train the same model by several methods and report which one predicts best",
  example: "svi-lm compare book.txt --tokenizer character --epochs 3 --seeds 3",
  words: ["text…"],
  options: OPTIONS,
  async run({ words, options, json, interruption: { signal } }) {
    const folder = options.out ?? OPTIONS.out.default;
    const workers = requireInteger("workers", options.workers ?? 1, 1, 64);
    const seeds = requireInteger("seeds", options.seeds ?? 1, 1, 20);
    const trials = requireInteger("trials", options.trials ?? 4, 0, 4);
    const epochs = requireNumber("epochs", options.epochs ?? 5, "a number above 0", (v) => v > 0);
    const also = alsoOf(options.also);
    await makeFolder(folder);
    await lockFolder(folder);
    const parts = await mkdtemp(join(tmpdir(), "svi-lm-compare-"));
    const store = new RunStore(join(folder, "runs"));
    await store.prepare();
    const watcher = watchRuns(json);
    try {
      const subject: Subject = {
        ...(await splitTexts(words, parts, options, signal)),
        name: words.join(", "),
        also,
        shape: {
          embedding: options.embedding ?? 64,
          hidden: options.hidden ?? 256,
          layers: options.layers ?? 1,
          batch: options.batch ?? 32,
          sequence: options.sequence ?? 64,
        },
        budget: {
          tokens: null,
          epochs,
          trialShare: 0.5,
          trials,
          seeds: Array.from({ length: seeds }, (_, i) => i + 1),
          longSeeds: 0,
          points: 100,
          trialPoints: 25,
        },
      };
      const pool = new Pool(store, workers, watcher, signal);
      const compared = await compareOn(subject, { pool, store, folder, signal }).finally(() =>
        watcher.stop(),
      );
      await report(compared, folder, json);
      return 0;
    } finally {
      await rm(parts, { recursive: true, force: true });
    }
  },
});

/** @throws UsageError for a name that there is not */
export function alsoOf(given: string | undefined): readonly Also[] {
  if (given === undefined) return [];
  if (given === "all") return ALSO;
  const names = given.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !(ALSO as readonly string[]).includes(name));
  if (unknown !== undefined)
    throw new UsageError(`--also has ${JSON.stringify(unknown)}, which is not one of ${ALSO.join(", ")}`);
  return names as Also[];
}

/** The first 80 % of the texts' characters to train on, then a tenth to tune by, then a tenth to report. */
async function splitTexts(
  paths: readonly string[],
  folder: string,
  options: Values<typeof OPTIONS>,
  signal: AbortSignal,
): Promise<Pick<Subject, "texts" | "kind">> {
  const text = documents(await Promise.all(paths.map((path) => readText(path, signal))));
  const cuts = [0, Math.floor(0.8 * text.length), Math.floor(0.9 * text.length), text.length];
  const files = await Promise.all(
    ["train", "valid", "test"].map(async (name, i) => {
      const path = join(folder, `${name}.txt`);
      await writeFileAtomically(path, new TextEncoder().encode(text.slice(cuts[i], cuts[i + 1])));
      return path;
    }),
  );
  const { tokenizer = "byte" } = options;
  return {
    kind: tokenizer === "word" ? "words" : tokenizer === "character" ? "characters" : "bytes",
    texts: {
      train: files[0],
      valid: files[1],
      test: files[2],
      tokenizer,
      maximumVocabulary: options["max-vocabulary"],
      curveTokens: 8000,
      sampledTokens: 8000,
    },
  };
}

/** As `train` reads several texts: with a line end between two where there is none. */
function documents(texts: readonly string[]): string {
  return texts
    .filter((text) => text !== "")
    .map((text, i, { length }) => (i + 1 < length && !/[\n\r]$/.test(text) ? `${text}\n` : text))
    .join("");
}

async function report(compared: Compared, folder: string, json: boolean): Promise<void> {
  const corpus = reportCorpus(compared, 0);
  const path = join(folder, "report.html");
  const html = htmlReport({
    title: `Methods compared on ${compared.name}`,
    lead: "The same model, text, seeds and number of tokens for every method; nats and bits are a token.",
    corpora: [corpus],
  });
  await writeFileAtomically(path, new TextEncoder().encode(html));
  if (json) {
    for (const runs of compared.methods) printJson(jsonOf(runs, compared));
    return;
  }
  note(corpus.setting);
  printTable(corpus.table);
  for (const line of corpus.verdict) process.stdout.write(`\n${line}\n`);
  note(`\nCurves, reliability and tuning: ${path}`);
}

/** At the temperature that suits the tuning text, means over seeds; null where there is none for one of them. */
function scaledOf(records: readonly RunRecord[]) {
  const all = records.flatMap((r) => r.test!.best.scaled ?? []);
  if (all.length < records.length) return null;
  const mean = (of: (scaled: (typeof all)[number]) => number) => average(all.map(of));
  return {
    temperature: mean((s) => s.temperature),
    nll: mean((s) => s.nll),
    ece: mean((s) => s.ece),
    brier: mean((s) => s.brier),
  };
}

/** One method: means over its seeds; null where a run diverged. */
function jsonOf({ name, tuning, runs }: MethodRuns, { costs }: Compared) {
  const records = runs.flatMap(({ record }) => record ?? []);
  const of = (pick: (record: RunRecord) => number | undefined) => {
    const values = records.map(pick);
    return records.length < runs.length || values.includes(undefined) ? null : average(values as number[]);
  };
  const tested = records.length > 0 && records.every((r) => r.test);
  const figures = (at: (record: RunRecord) => Figures) => ({
    nll: of((r) => at(r).nll),
    perplexity: of((r) => at(r).perplexity),
    bitsPerToken: of((r) => at(r).nll / Math.LN2),
    ece: of((r) => at(r).ece),
    brier: of((r) => at(r).brier),
    entropyGap: of((r) => r.test!.best.entropyGap),
  });
  return {
    method: name,
    title: TITLES[name],
    setting: runs[0].setting,
    tuning,
    seeds: runs.map(({ seed }) => seed),
    bestValidNll: of((r) => r.best.nll),
    tokensToBest: of((r) => r.best.tokens),
    tokens: of((r) => r.curve[r.curve.length - 1].tokens),
    test: tested ? figures(testFigures) : null,
    testOfMean: tested ? figures((r) => r.test!.best) : null,
    scaled: tested ? scaledOf(records) : null,
    samples: records[0]?.test?.final.samples ?? null,
    stepCost: costs && costOf(costs, name),
  };
}
