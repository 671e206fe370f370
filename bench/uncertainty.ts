/**
 * Which figure of a model tells lines of its own book from others, and what abstaining by it is worth: a posterior by
 * `ivon()` beside maximum likelihood by Adam with a temperature, and beside four such models averaged.
 *
 *   npm run bench:uncertainty -- [--texts FOLDER] [--hidden 256] [--epochs 3] [--characters N] [--lines 400]
 *     [--samples 8] [--seed 1] [--json]
 *
 * FOLDER holds warandpeace.txt and tinyshakespeare.txt; without one, speeches and a server's log take their place.
 */
import { parseArgs } from "node:util";
import {
  adam,
  Background,
  Corpus,
  fit,
  ivon,
  LanguageModel,
  learnTokenizer,
  type Method,
  type ScoredToken,
  type TextScore,
} from "../src/entries/index.ts";
import { taught } from "./uncertainty/gradients.ts";
import { linesFor } from "./uncertainty/lines.ts";
import { auroc, mean, riskCoverage } from "./uncertainty/measures.ts";

const { values } = parseArgs({
  options: {
    texts: { type: "string" },
    hidden: { type: "string", default: "256" },
    epochs: { type: "string", default: "3" },
    characters: { type: "string" },
    lines: { type: "string", default: "400" },
    samples: { type: "string", default: "8" },
    seed: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});

const characters = values.characters === undefined ? undefined : Number(values.characters);
const { train, valid, usual, kinds } = linesFor(Number(values.lines), values.texts, characters);
const tokenizer = await learnTokenizer(train, { kind: "character" });
const corpus = await Corpus.open(train, { tokenizer });
const background = await Background.count(corpus);

function say(text: string): void {
  if (!values.json) console.log(text);
}

async function trained(inference: Method, seed: number): Promise<LanguageModel> {
  const model = await LanguageModel.create({ tokenizer, embedding: 64, hidden: Number(values.hidden), seed });
  const started = performance.now();
  for await (const _ of fit(model, corpus, { inference, seed, epochs: Number(values.epochs) }));
  say(`${inference.kind}, seed ${seed}: ${((performance.now() - started) / 1000).toFixed(0)} s`);
  return model;
}

interface Figures {
  readonly scores: readonly ScoredToken[];
  readonly surprise: number;
}

async function figuresOf(
  model: LanguageModel,
  lines: readonly string[],
  samples = 0,
  counted = true,
): Promise<Figures[]> {
  const found: Figures[] = [];
  const options = { samples, tokens: true, background: counted ? background : undefined };
  for await (const one of model.scoreAll(lines, options)) {
    const { scores, surprise } = one as TextScore;
    found.push({ scores: scores!, surprise });
  }
  return found;
}

type Signals = Record<string, number[]>;

/** Of tokens' probabilities to the power of 1/T: log p at T is about log p / T where T is near 1. */
function likelihoodSignals(figures: readonly Figures[], temperature: number): Signals {
  const each = (f: (tokens: readonly ScoredToken[]) => number) => figures.map(({ scores }) => f(scores));
  return {
    logProbability: each((tokens) => -mean(tokens.map((t) => t.logProbability)) / temperature),
    entropy: each((tokens) => mean(tokens.map((t) => t.entropy)) * temperature),
    worst: each((tokens) => Math.max(...tokens.map((t) => -t.logProbability))),
    worstExcess: each((tokens) => Math.max(...tokens.map((t) => -t.logProbability - t.entropy))),
  };
}

async function posteriorSignals(model: LanguageModel, lines: readonly string[]): Promise<Signals> {
  const [sampled, plain, alone] = [
    await figuresOf(model, lines, Number(values.samples)),
    await figuresOf(model, lines),
    await figuresOf(model, lines, 0, false),
  ];
  const lessons = taught(model, lines);
  return {
    ...likelihoodSignals(sampled, 1),
    mutualInformation: sampled.map(({ scores }) => mean(scores.map((t) => t.mutualInformation))),
    gradient: lessons.map(({ gradient }) => gradient),
    drop: lessons.map(({ drop }) => drop),
    surpriseAlone: alone.map(({ surprise }) => surprise),
    surpriseOfMean: plain.map(({ surprise }) => surprise),
    surprise: sampled.map(({ surprise }) => surprise),
  };
}

/** That brings the mean entropy of the validation lines to their mean loss. */
function temperatureOf(figures: readonly Figures[]): number {
  const tokens = figures.flatMap(({ scores }) => scores);
  return mean(tokens.map((t) => -t.logProbability)) / mean(tokens.map((t) => t.entropy));
}

const posterior = await trained(ivon(), Number(values.seed));
const likelihoods: LanguageModel[] = [];
for (let i = 0; i < 4; i++) likelihoods.push(await trained(adam(), Number(values.seed) + i));
const temperature = temperatureOf(await figuresOf(likelihoods[0], valid));

const found: Record<string, Record<string, number>> = {};
const sets = async (signals: (lines: readonly string[]) => Promise<Signals>, prefix: string) => {
  const own = await signals(usual);
  for (const [kind, lines] of Object.entries(kinds)) {
    const other = await signals(lines);
    for (const [name, numbers] of Object.entries(other)) {
      found[kind] ??= {};
      found[kind][prefix + name] = auroc(numbers, own[name]);
    }
  }
};
await sets((lines) => posteriorSignals(posterior, lines), "");
await sets(async (lines) => likelihoodSignals(await figuresOf(likelihoods[0], lines), temperature), "adam: ");
/** What of it is the background's: the same figure of a point estimate. */
const counted = async (lines: readonly string[]) => ({
  surprise: (await figuresOf(likelihoods[0], lines)).map(({ surprise }) => surprise),
});
await sets(counted, "adam and background: ");

/** Lines of all kinds together: loss a token, and what says how unsure the model is of it. */
const all = [...usual, ...Object.values(kinds).flat()];
const ofPosterior = await figuresOf(posterior, all, Number(values.samples));
const ofFour: Figures[][] = [];
for (const model of likelihoods) ofFour.push(await figuresOf(model, all));
const lossOf = ({ scores }: Figures) => -mean(scores.map((t) => t.logProbability));
/** Probabilities averaged token by token. */
const averaged = all.map((_, i) =>
  mean(
    ofFour[0][i].scores.map(
      (_, t) => -Math.log(mean(ofFour.map((one) => Math.exp(one[i].scores[t].logProbability)))),
    ),
  ),
);
const entropyOf = ({ scores }: Figures) => mean(scores.map((t) => t.entropy));
const areas = {
  surprise: riskCoverage(
    ofPosterior.map(lossOf),
    ofPosterior.map(({ surprise }) => surprise),
  ),
  entropy: riskCoverage(ofPosterior.map(lossOf), ofPosterior.map(entropyOf)),
  "adam: entropy": riskCoverage(ofFour[0].map(lossOf), ofFour[0].map(entropyOf)),
  "four of adam: entropy": riskCoverage(
    averaged,
    all.map((_, i) => mean(ofFour.map((one) => entropyOf(one[i])))),
  ),
};

const names = Object.keys(found.author);
say(`\nAUROC; temperature ${temperature.toFixed(3)}`);
say(["signal".padEnd(32), ...Object.keys(found).map((kind) => kind.padEnd(10)), "mean"].join(" "));
for (const name of names) {
  const row = Object.values(found).map((signals) => signals[name]);
  say([name.padEnd(32), ...row.map((x) => x.toFixed(3).padEnd(10)), mean(row).toFixed(3)].join(" "));
}
say(`\nArea under risk and coverage, nats: ${JSON.stringify(areas)}`);
if (values.json) console.log(JSON.stringify({ auroc: found, riskCoverage: areas }));
