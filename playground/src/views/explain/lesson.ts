/** @module What the pictures are made of: two small models, trained for them alone. */
import {
  adam,
  type Evaluation,
  ivon,
  type NextToken,
  type WorkerClient,
  type WorkerCorpus,
  type WorkerLanguageModel,
} from "svi-lm/worker";
import { engine } from "../../engine/engines.ts";
import { fetchSample } from "../../texts/samples.ts";

export interface Weight {
  readonly mean: number;
  readonly deviation: number;
}

/** A character, how often the text has it, and the average deviation of what the model holds of it. */
export interface Letter {
  readonly text: string;
  readonly count: number;
  readonly deviation: number;
}

export interface Lesson {
  readonly weights: readonly Weight[];
  readonly letters: readonly Letter[];
  /** What each of some samples expects after the prompt. */
  readonly readers: readonly (readonly NextToken[])[];
  readonly prompt: string;
  readonly sentences: readonly { readonly text: string; readonly doubt: number; readonly surprise: number }[];
  readonly svi: Evaluation;
  readonly ml: Evaluation;
}

/** Little text, read often: what learning by heart comes from. */
const LENGTH = 20_000;
const SHAPE = { embedding: 16, hidden: 96, seed: 2 };
const RUN = { batch: 8, sequence: 32, seed: 3 };
export const EPOCHS = 40;
const HELD_OUT = 0.15;
const READERS = 6;
const SAMPLES = 8;
const SHOWN = 21;
const PROMPT = "The whal";
const SENTENCES = [
  "The man said that he was in the ship.",
  "The quantum router emitted 5 packets!",
  "zxqj vvk Qw!!7 ZZ jj",
];

/** @param told hears what is being done, and how much of it is done */
export async function learn(
  told: (what: string, part: number) => void,
  signal: AbortSignal,
): Promise<Lesson> {
  const text = (await fetchSample("moby-dick.txt")).slice(0, LENGTH);
  const parts = { own: 0, rival: 0 };
  const pupil = (name: "own" | "rival") =>
    pupilOf(name, text, signal, (part) => {
      parts[name] = part;
      const least = Math.min(parts.own, parts.rival);
      told("A distribution over weights and one set of weights learn the same text…", 0.95 * least);
    });
  const [{ model: svi, held, client }, other] = await together([pupil("own"), pupil("rival")]);
  const ml = other.model;
  try {
    told("Pictures are drawn…", 0.97);
    const readers = [];
    for (let seed = 1; seed <= READERS; seed++) readers.push(await expectations(svi, seed));
    return {
      weights: spread(await weightsOf(svi)),
      letters: await lettersOf(svi, text),
      readers,
      prompt: PROMPT,
      sentences: await Promise.all(SENTENCES.map((sentence) => judged(svi, sentence, signal))),
      svi: await client.evaluate(svi, held, { samples: SAMPLES, seed: 1, signal }),
      ml: await other.client.evaluate(ml, other.held, { signal }),
    };
  } finally {
    await Promise.allSettled([svi.dispose(), ml.dispose()]);
  }
}

interface Pupil {
  readonly client: WorkerClient;
  readonly model: WorkerLanguageModel;
  readonly held: WorkerCorpus;
}

/** Learns the text in the worker of that name. @param told hears what part is done */
async function pupilOf(
  name: "own" | "rival",
  text: string,
  signal: AbortSignal,
  told: (part: number) => void,
): Promise<Pupil> {
  const client = await engine(name);
  const tokenizer = await client.learnTokenizer(text, { kind: "character", minimumCount: 2 });
  const corpus = await client.Corpus.open(text, { tokenizer });
  const [read, held] = await corpus.split([1 - HELD_OUT, HELD_OUT]);
  const model = await client.LanguageModel.create({ tokenizer, ...SHAPE });
  const inference = name === "own" ? ivon() : adam();
  try {
    for await (const { step, steps } of client.fit(model, read, {
      ...RUN,
      epochs: EPOCHS,
      inference,
      signal,
    }))
      told(step / steps);
  } catch (error) {
    await model.dispose().catch(() => {});
    throw error;
  }
  return { client, model, held };
}

/** Both, or neither: where one fails the other's model is given back. */
async function together(pupils: [Promise<Pupil>, Promise<Pupil>]): Promise<[Pupil, Pupil]> {
  const ended = await Promise.allSettled(pupils);
  const failed = ended.find((one) => one.status === "rejected");
  if (!failed) return Promise.all(pupils);
  for (const one of ended) if (one.status === "fulfilled") void one.value.model.dispose().catch(() => {});
  throw failed.reason;
}

async function weightsOf(model: WorkerLanguageModel): Promise<Weight[]> {
  const { mean, precision } = await model.posterior();
  const weights: Weight[] = [];
  // Biases have no precision: they are points.
  for (let i = 0; i < mean.length; i += 37)
    if (precision && precision[i] > 0)
      weights.push({ mean: mean[i], deviation: 1 / Math.sqrt(precision[i]) });
  return weights;
}

/** The embedding stands first among the weights, a row a token. */
async function lettersOf(model: WorkerLanguageModel, text: string): Promise<Letter[]> {
  const { precision } = await model.posterior();
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  const letters: Letter[] = [];
  for (let token = 0; token < model.tokenizer.vocabularySize; token++) {
    const character = await model.tokenizer.decode([token]);
    const row = precision!.subarray(token * SHAPE.embedding, (token + 1) * SHAPE.embedding);
    const deviation = row.reduce((sum, one) => sum + 1 / Math.sqrt(one), 0) / row.length;
    const count = counts.get(character);
    if (count !== undefined) letters.push({ text: character, count, deviation });
  }
  return letters.sort((a, b) => b.count - a.count);
}

/** Some of them, from the surest to the least sure. */
function spread(weights: readonly Weight[]): Weight[] {
  const sorted = [...weights].sort((a, b) => a.deviation - b.deviation);
  return Array.from({ length: SHOWN }, (_, i) => sorted[Math.round((i / (SHOWN - 1)) * (sorted.length - 1))]);
}

async function expectations(model: WorkerLanguageModel, seed: number): Promise<readonly NextToken[]> {
  const session = await model.session({ samples: 1, seed });
  try {
    await session.read(PROMPT);
    return (await session.top(5)).tokens;
  } finally {
    await session.dispose();
  }
}

async function judged(model: WorkerLanguageModel, text: string, signal: AbortSignal) {
  const { tokens, logProbability } = await model.score(text, { samples: SAMPLES, signal });
  const doubt = tokens.reduce((sum, { mutualInformation }) => sum + mutualInformation, 0) / tokens.length;
  return { text, doubt: doubt / Math.LN2, surprise: -logProbability / tokens.length / Math.LN2 };
}
