/**
 * @module What every runtime computes, and has to agree on to the last bit: twenty steps of each method, then
 * evaluation with samples, score, generation, save, load and resume. The package itself comes from outside, so that
 * these are the types of its sources and nothing else is.
 */
import type * as SviLm from "../../src/entries/index.ts";
import type { Corpus, FitOptions, LanguageModel, ModelOptions, StepRecord } from "../../src/entries/index.ts";

/** The package, as whoever runs the cases imported it by its public name. */
export type Library = typeof SviLm;

/** Names of figures and what they came to: hashes, texts, and numbers by the bits of their float64. */
export type Figures = Record<string, string>;

export interface Report {
  readonly engine: string;
  /** Hashes of the final posteriors, of their files, and of the files' way back. */
  readonly parameters: Figures;
  /** Step records, evaluations, scores. */
  readonly evaluation: Figures;
  /** Generated texts, with the probability and the uncertainty of every token. */
  readonly text: Figures;
  /** Of training, for display: null where the clock stands still. */
  readonly tokensPerSecond: number | null;
}

interface Case {
  readonly shape: ModelOptions;
  readonly options: FitOptions;
  readonly samples: number;
}

const STEPS = 20;
/** No multiple of 4 or 8 in what the kernels tile, two epochs, every prior and schedule. */
const casesOf = ({
  adam,
  bbb,
  gaussianPrior,
  ivon,
  scaleMixturePrior,
  schedule,
  sgd,
}: Library): Record<string, Case> => ({
  ivon: {
    shape: { embedding: 23, hidden: 70, layers: 2 },
    options: { inference: ivon({ probe: 5, particles: 2 }), batch: 7, sequence: 23, dropout: 0.1 },
    samples: 3,
  },
  "bayes by backprop": {
    shape: { hidden: 75, layers: 1, tied: true },
    options: {
      inference: bbb({ prior: scaleMixturePrior(), klWarmup: 0.5 }),
      batch: 9,
      sequence: 17,
      schedule: schedule("constant", { warmup: 4 }),
    },
    samples: 2,
  },
  adam: {
    shape: { embedding: 31, hidden: 66, layers: 1 },
    options: { inference: adam({ prior: gaussianPrior(0.5) }), batch: 8, sequence: 19, averaging: 0.3 },
    samples: 0,
  },
  "int16 products": {
    shape: { embedding: 21, hidden: 67, layers: 2 },
    options: { inference: ivon({ probe: 5 }), batch: 11, sequence: 29, products: "int16" },
    samples: 2,
  },
  sgd: {
    shape: { embedding: 16, hidden: 90, layers: 1 },
    options: { inference: sgd(), batch: 5, sequence: 31, schedule: schedule("step", { every: 0.3 }) },
    samples: 0,
  },
});

/** The opening of Moby-Dick (Herman Melville, 1851). */
const TEXT = `Call me Ishmael. Some years ago—never mind how long precisely—having little or no money in my purse,
and nothing particular to interest me on shore, I thought I would sail about a little and see the
watery part of the world. It is a way I have of driving off the spleen and regulating the
circulation. Whenever I find myself growing grim about the mouth; whenever it is a damp, drizzly
November in my soul; whenever I find myself involuntarily pausing before coffin warehouses, and
bringing up the rear of every funeral I meet; and especially whenever my hypos get such an upper
hand of me, that it requires a strong moral principle to prevent me from deliberately stepping into
the street, and methodically knocking people's hats off—then, I account it high time to get to sea
as soon as I can. This is my substitute for pistol and ball. With a philosophical flourish Cato
throws himself upon his sword; I quietly take to the ship. There is nothing surprising in this. If
they but knew it, almost all men in their degree, some time or other, cherish very nearly the same
feelings towards the ocean with me.

There now is your insular city of the Manhattoes, belted round by wharves as Indian isles by coral
reefs—commerce surrounds it with her surf. Right and left, the streets take you waterward. Its
extreme downtown is the battery, where that noble mole is washed by waves, and cooled by breezes,
which a few hours previous were out of sight of land. Look at the crowds of water-gazers there.

Circumambulate the city of a dreamy Sabbath afternoon. Go from Corlears Hook to Coenties Slip, and
from thence, by Whitehall, northward. What do you see?—Posted like silent sentinels all around the
town, stand thousands upon thousands of mortal men fixed in ocean reveries. Some leaning against the
spiles; some seated upon the pier-heads; some looking over the bulwarks of ships from China; some
high aloft in the rigging, as if striving to get a still better seaward peep. But these are all
landsmen; of week days pent up in lath and plaster—tied to counters, nailed to benches, clinched to
desks. How then is this? Are the green fields gone? What do they here?
`;

/** What comes next there. */
const HELD_OUT = `But look! here come more crowds, pacing straight for the water, and seemingly bound for a dive.
Strange! Nothing will content them but the extremest limit of the land; loitering under the shady
lee of yonder warehouses will not suffice. No. They must get just as nigh the water as they possibly
can without falling in. And there they stand—miles of them—leagues. Inlanders all, they come from
lanes and alleys, streets and avenues—north, east, south, and west. Yet here they all unite. Tell
me, does the magnetic virtue of the needles of the compasses of all those ships attract them
thither?
`;

/** Runs all cases. @throws where a file or a resumed run does not come back to where it was */
export async function run(library: Library): Promise<Report> {
  const { Corpus, evaluate, LanguageModel, learnTokenizer } = library;
  const tokenizer = await learnTokenizer([TEXT, HELD_OUT], { kind: "character" });
  const corpus = await Corpus.open(TEXT, { tokenizer });
  const heldOut = await Corpus.open(HELD_OUT, { tokenizer });
  const report = { parameters: {}, evaluation: {}, text: {} };
  const clock = { tokens: 0, seconds: 0 };
  for (const [name, { shape, options, samples }] of Object.entries(casesOf(library))) {
    const create = () => LanguageModel.create({ ...shape, tokenizer, seed: 3 });
    const model = await create();
    const halfway = await train(library, model, corpus, options, record(report.evaluation, name), clock);
    await requireResumed(library, name, model, await create(), corpus, { ...options, resume: halfway });
    Object.assign(report.parameters, await files(library, name, model));
    const evaluation = await evaluate(model, heldOut, { samples, seed: 5 });
    note(report.evaluation, `${name} evaluation`, evaluation);
    note(report.evaluation, `${name} score`, await model.score(HELD_OUT.slice(0, 90), { samples, seed: 6 }));
    Object.assign(report.text, await write(name, model, samples));
  }
  const { tokens, seconds } = clock;
  return { engine: engine(), ...report, tokensPerSecond: seconds > 0 ? tokens / seconds : null };
}

/** Trains for exactly `STEPS` and returns the checkpoint of the middle. */
async function train(
  { fit }: Library,
  model: LanguageModel,
  corpus: Corpus,
  options: FitOptions,
  each: (step: StepRecord) => void,
  clock: { tokens: number; seconds: number },
): Promise<Uint8Array> {
  const checkpoints: Uint8Array[] = [];
  const checkpoint = { every: STEPS / 2, save: (bytes: Uint8Array) => void checkpoints.push(bytes) };
  let last: StepRecord | undefined;
  for await (const step of fit(model, corpus, { ...lasting(corpus, options), checkpoint })) {
    each(step);
    last = step;
  }
  if (last?.step !== STEPS) throw new Error(`The run had ${last?.step} steps`);
  clock.tokens += last.tokens;
  clock.seconds += last.seconds;
  return checkpoints[0];
}

/** The options with as many epochs as make `STEPS` steps. */
function lasting(corpus: Corpus, options: FitOptions): FitOptions {
  const { windows } = corpus.lanes({ batch: options.batch!, sequence: options.sequence! });
  return { ...options, seed: 4, epochs: STEPS / windows };
}

async function requireResumed(
  { fit }: Library,
  name: string,
  straight: LanguageModel,
  model: LanguageModel,
  corpus: Corpus,
  options: FitOptions,
): Promise<void> {
  let steps = 0;
  for await (const _ of fit(model, corpus, lasting(corpus, options))) steps++;
  if (steps !== STEPS / 2 || model.hash() !== straight.hash())
    throw new Error(
      `${name}: after resuming for ${steps} steps ${model.hash()}, straight ${straight.hash()}`,
    );
}

async function files(library: Library, name: string, model: LanguageModel): Promise<Figures> {
  const chunks: Uint8Array[] = [];
  await model.save(new WritableStream({ write: (chunk) => void chunks.push(chunk) }));
  const bytes = new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
  const loaded = await library.LanguageModel.load(bytes);
  if (loaded.hash() !== model.hash())
    throw new Error(`${name}: loaded ${loaded.hash()}, saved ${model.hash()}`);
  return {
    [`${name} posterior`]: model.hash(),
    [`${name} file`]: hexadecimal(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))),
  };
}

async function write(name: string, model: LanguageModel, samples: number): Promise<Figures> {
  const figures: Figures = {};
  let written = "";
  const options = { prompt: "Call me ", tokens: 60, temperature: 0.8, topP: 0.95, samples, seed: 7 };
  for await (const { text, ...piece } of model.generate(options)) {
    note(figures, `${name} token ${written.length}`, piece);
    written += text;
  }
  return { [`${name} text`]: written, ...figures };
}

/** Notes what a step record says, except for the time it took. */
function record(figures: Figures, name: string): (step: StepRecord) => void {
  return ({ seconds: _, ...step }) => note(figures, `${name} step ${step.step}`, step);
}

/** Notes every number of a value by its bits, and everything else as JSON has it, under its path. */
function note(figures: Figures, path: string, value: unknown): void {
  if (typeof value === "number") figures[path] = bits(value);
  else if (typeof value !== "object" || value === null) figures[path] = JSON.stringify(value);
  else for (const [key, inner] of Object.entries(value)) note(figures, `${path} ${key}`, inner);
}

function bits(value: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return hexadecimal(new Uint8Array(view.buffer));
}

function hexadecimal(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Which engine runs this, by what it says of a mistake: names and versions can be claimed, this cannot. */
function engine(): string {
  let message = "";
  try {
    JSON.parse("null").property;
  } catch (error) {
    message = (error as Error).message;
  }
  if (message.startsWith("Cannot read properties of null")) return "V8";
  if (message.startsWith("can't access property")) return "SpiderMonkey";
  if (message.includes("is not an object (evaluating")) return "JavaScriptCore";
  throw new Error(`An unknown engine, which says: ${message}`);
}
