/**
 * A recogniser's candidates reordered: word error rates of LibriSpeech's dev_clean and dev_other, with models that have
 * read novels. Weights are tuned on dev_clean for dev_other, and on each half of dev_clean for the other.
 *
 *   npm run bench:speech -- --data DIR [--quick] [--json] [--cache build/speech] [--seeds 1,2,3] [--hidden 512]
 *     [--units character,subword,word] [--epochs 1,2,3] [--samples 8] [--threads 1]
 *     [--ways mle,ivonMean,ivonSamples,mbrMean,mbr]
 *
 * DIR holds novels.txt and speech/{dev_clean,dev_other}.{nbest.tsv,ref.txt}. Models, and what they say of the candidates,
 * are kept in --cache, and models are trained on from their checkpoints, so an interrupted run continues. --epochs has a
 * number a unit. --quick is one small model of characters of a part of the text, to see that everything works.
 *
 * All ways weigh the words that the novels do not have; "words alone" weighs these and no model.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import "../src/kernels/embedded.ts";
import { pairedInterval, percent, wordErrorRate } from "../src/entries/metrics.ts";
import {
  type CandidateList,
  type ModelScorerOptions,
  modelScorer,
  type RescoreOptions,
  type Rescoring,
  readLists,
  readReferences,
  rescore,
  type ScoredText,
  type Scorer,
} from "../src/entries/rescoring.ts";
import { threads } from "../src/entries/threads.ts";
import { fileOf, type MethodName, modelFor, type Plan, UNITS, type Unit } from "./speech/models.ts";
import { spokenLines } from "./speech/novels.ts";

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: "string" },
    cache: { type: "string", default: "build/speech" },
    seeds: { type: "string", default: "1,2,3" },
    hidden: { type: "string", default: "512" },
    units: { type: "string", default: UNITS.join(",") },
    epochs: { type: "string", default: "1,2,3" },
    ways: { type: "string", default: "mle,ivonMean,ivonSamples,mbrMean,mbr" },
    samples: { type: "string", default: "8" },
    threads: { type: "string", default: "1" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
if (!values.data) throw new Error("Give --data DIR, with novels.txt and speech/");
const units = (values.quick ? ["character"] : values.units.split(",")) as Unit[];
if (units.some((unit) => !UNITS.includes(unit))) throw new Error(`--units are of ${UNITS.join(", ")}`);
const epochs = values.epochs.split(",").map(Number);
if (epochs.length !== UNITS.length) throw new Error(`--epochs has a number for each of ${UNITS.join(", ")}`);
const seeds = values.quick ? [1] : values.seeds.split(",").map(Number);
const samples = values.quick ? 2 : Number(values.samples);
const kernels = Number(values.threads) > 1 ? await threads({ count: Number(values.threads) }) : undefined;
const note = (text: string) => void process.stderr.write(`${text}\n`);

interface Speech {
  readonly lists: readonly CandidateList[];
  readonly references: ReadonlyMap<string, string>;
}

async function speechOf(name: string): Promise<Speech> {
  const read = async (file: string) => ({
    name: file,
    text: await readFile(join(values.data!, "speech", file), "utf8"),
  });
  const all = readLists([await read(`${name}.nbest.tsv`)]).lists;
  const lists = values.quick ? all.slice(0, 400) : all;
  const references = readReferences(await read(`${name}.ref.txt`));
  return { lists, references: new Map(lists.map(({ id }) => [id, references.get(id)!])) };
}

function part({ lists }: Speech, { references }: Speech, from: number, to: number): Speech {
  const own = lists.slice(from, to);
  return { lists: own, references: new Map(own.map(({ id }) => [id, references.get(id)!])) };
}

/** What one model says of every candidate, by its text. */
type Said = ReadonlyMap<string, ScoredText>;

/** Scores are kept beside the model's file. */
async function say(file: string, scorer: Scorer, speeches: readonly Speech[]): Promise<Said> {
  const texts = [
    ...new Set(speeches.flatMap(({ lists }) => lists.flatMap((l) => l.candidates.map((c) => c.text)))),
  ];
  const kept = await readFile(file, "utf8").catch(() => null);
  if (kept !== null) {
    const scores = JSON.parse(kept) as ScoredText[];
    if (scores.length === texts.length) return new Map(texts.map((text, i) => [text, scores[i]]));
  }
  const began = performance.now();
  const scores = await scorer(texts);
  note(`  ${texts.length} texts in ${((performance.now() - began) / 1000).toFixed(1)} s`);
  await writeFile(file, JSON.stringify(scores));
  return new Map(texts.map((text, i) => [text, scores[i]]));
}

function reorder(speech: Speech, said: readonly Said[], options: RescoreOptions): Promise<Rescoring> {
  const scorers = said.map(
    (own): Scorer =>
      async (texts) =>
        texts.map((text) => own.get(text)!),
  );
  return rescore(speech.lists, scorers, { ...options, vocabulary, references: speech.references });
}

interface Figures {
  wer: number;
  surest: number;
  best: readonly string[];
}

type Folds = readonly (readonly [tuning: Speech, testing: Speech])[];

async function tuneAndTest(folds: Folds, said: readonly Said[], choice: "best" | "mbr"): Promise<Figures> {
  const all: Figures[] = [];
  for (const [tuning, testing] of folds) all.push(await testFold(tuning, testing, said, choice));
  const best = all.flatMap((each) => each.best);
  return { wer: rateOf(folds, best), surest: mean(all.map(({ surest }) => surest)), best };
}

const referencesOf = (folds: Folds) => folds.flatMap(([, { references }]) => [...references.values()]);

/** In per cent, of all words of the folds' tests. */
function rateOf(folds: Folds, chosen: readonly string[]): number {
  return 100 * wordErrorRate(referencesOf(folds), chosen).rate;
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
}

async function testFold(tuning: Speech, testing: Speech, said: readonly Said[], choice: "best" | "mbr") {
  const weights: Record<string, number> = { score: 1 };
  for (const m of said.keys()) weights[`logProbability${m === 0 ? "" : m + 1}`] = 0.2 / said.length;
  const { weights: tuned, scale, riskScale } = await reorder(tuning, said, { weights, tune: true, choice });
  const settled = { weights: tuned, scale, riskScale: riskScale ?? undefined };
  const { lists, errors } = await reorder(testing, said, { ...settled, choice });
  return { wer: errors!.wer, surest: errors!.surest, best: lists.map(({ best }) => best) };
}

const novels = spokenLines(await readFile(join(values.data, "novels.txt"), "utf8"));
const text = values.quick ? novels.slice(0, novels.indexOf("\n", 400_000) + 1) : novels;
const vocabulary = new Set(text.split(/\s+/));
const hidden = values.quick ? 64 : Number(values.hidden);
const plan: Plan = {
  name: values.quick ? "quick" : String(hidden),
  hidden,
  epochs: { character: epochs[0], subword: epochs[1], word: epochs[2] },
  dropout: 0.1,
  folder: values.cache,
  kernels,
  note,
};
const clean = await speechOf("dev_clean");
const other = await speechOf("dev_other");
const middle = Math.floor(clean.lists.length / 2);
const halves = [part(clean, clean, 0, middle), part(clean, clean, middle, clean.lists.length)] as const;
/** What is tuned on, and what is tested then: all tests of a set together are its figure. */
const sets: Record<string, Folds> = {
  dev_other: [[clean, other]],
  dev_clean: [
    [halves[1], halves[0]],
    [halves[0], halves[1]],
  ],
};

/** What the table has, by name of a set, of a mixture of units, of a way; a figure a seed. */
const results = new Map<string, Figures[]>();
interface Way {
  readonly method: MethodName;
  readonly saying: ModelScorerOptions;
  readonly choice: "best" | "mbr";
}

const WAYS: Record<string, Way> = {
  mle: { method: "adam", saying: {}, choice: "best" },
  ivonMean: { method: "ivon", saying: {}, choice: "best" },
  ivonSamples: { method: "ivon", saying: { samples }, choice: "best" },
  // The least risk by the mean's probabilities, and by those of the samples.
  mbrMean: { method: "ivon", saying: {}, choice: "mbr" },
  mbr: { method: "ivon", saying: { samples, apart: true }, choice: "mbr" },
};
const ways = values.ways.split(",");
const unknownWay = ways.find((way) => !(way in WAYS));
if (unknownWay !== undefined)
  throw new Error(`--ways has ${unknownWay}, not of ${Object.keys(WAYS).join(", ")}`);

const keep = (key: string, figures: Figures) => results.set(key, [...(results.get(key) ?? []), figures]);
const mixtures = units.length > 1 ? [...units.map((unit) => [unit]), units] : [units];

for (const seed of seeds) {
  const said: Record<string, Said> = {};
  for (const unit of units)
    for (const way of ways) {
      const { method, saying } = WAYS[way];
      const model = await modelFor(plan, text, unit, method, seed);
      note(`${unit} ${way} seed ${seed} scores`);
      const scores = saying.samples ? `samples${saying.samples}${saying.apart ? "apart" : ""}` : "mean";
      const file = `${fileOf(plan, unit, method, seed)}.${scores}.json`;
      said[`${unit} ${way}`] = await say(file, modelScorer(model, { kernels, ...saying }), [clean, other]);
      model.dispose();
    }
  for (const [set, folds] of Object.entries(sets))
    for (const mixture of mixtures)
      for (const way of ways) {
        const own = mixture.map((unit) => said[`${unit} ${way}`]);
        keep(`${set} ${mixture.join("+")} ${way}`, await tuneAndTest(folds, own, WAYS[way].choice));
      }
}

const report: Record<string, Record<string, number>> = {};
for (const [set, folds] of Object.entries(sets)) {
  const tested = folds.flatMap(([, { lists }]) => lists);
  const said = referencesOf(folds);
  const references = new Map(tested.map(({ id }, i) => [id, said[i]]));
  const { errors } = await rescore(tested, null, { references });
  const first = wordErrorRate(
    said,
    tested.map(({ candidates }) => candidates[0].text),
  );
  report[set] = { first: errors!.first, oracle: errors!.oracle };
  note(`\n${set}: first ${percent(errors!.first, 2)}, oracle ${percent(errors!.oracle, 2)}`);
  const alone = await tuneAndTest(folds, [], "best");
  note(`  words alone: ${percent(alone.wer, 2)}`);
  for (const mixture of mixtures)
    for (const way of ways) {
      const figures = results.get(`${set} ${mixture.join("+")} ${way}`)!;
      const wer = mean(figures.map((each) => each.wer));
      report[set][way] = wer;
      const { low, high } = pairedInterval(wordErrorRate(said, figures[0].best), first);
      const surest = mean(figures.map((each) => each.surest));
      note(
        `  ${mixture.join("+")} ${way}: ${percent(wer, 2)} (against first ${percent(low, 2)} to ${percent(high, 2)}, seed ${seeds[0]}), the surest 80 %: ${percent(surest, 2)}`,
      );
    }
}
if (values.json) console.log(JSON.stringify({ sets: report }));
if (kernels) await kernels.dispose();
