/** @module What says how likely texts are: a language model, or anything else that can. */
import { SviError } from "../errors.ts";
import { type Kinds, requireOptions } from "../options.ts";
import { pause } from "../pause.ts";
import { type Model, requireModel } from "../prediction/model.ts";
import { type ScoreAllOptions, scoreAll } from "../prediction/scoreAll.ts";

/** What a scorer says of a text; nats. */
export interface ScoredText {
  readonly logProbability: number;
  /** By each sample of the posterior, where there are several; their mean says less than they do. */
  readonly samples?: readonly number[];
  /** Words, or symbols, that the scorer does not know. */
  readonly unknown?: number;
}

/** Log-probabilities of texts, in their order. */
export type Scorer = (texts: readonly string[], signal?: AbortSignal) => Promise<readonly ScoredText[]>;

export interface ModelScorerOptions extends Pick<ScoreAllOptions, "quantized" | "kernels" | "memoryLimit"> {
  /** Posterior samples whose predictions are averaged, token by token; 0 for the mean of the weights. */
  readonly samples?: number;
  /** Whether each sample scores every text by itself: what minimum Bayes risk over samples needs. */
  readonly apart?: boolean;
  readonly seed?: number;
  /** What is read before every text, a line's end by default. */
  readonly context?: string;
  /** What is scored at the end of every text, a line's end by default. */
  readonly ending?: string;
}

const OPTIONS: Kinds<ModelScorerOptions> = {
  samples: "number",
  apart: "boolean",
  seed: "number",
  context: "string",
  ending: "string",
  quantized: "string",
  kernels: "kernels",
  memoryLimit: "number",
};

/**
 * A model as a scorer: every text a line of its own, beginnings that texts share read once. Symbols outside of the
 * vocabulary are the unknown token, and are passed over where there is none; both are counted.
 * @throws SviError `E_OPTION`; when called as `scoreAll`
 */
export function modelScorer(model: Model, options: ModelScorerOptions = {}): Scorer {
  requireModel(model);
  requireOptions("modelScorer", options, OPTIONS);
  const {
    samples = 0,
    seed = 1,
    apart = false,
    context = lineEnd(model),
    ending = lineEnd(model),
    ...form
  } = options;
  return async (texts, signal) => {
    const known = await knownParts(model, texts, signal);
    const lines = known.map(({ text }) => text + ending);
    const score = (more: ScoreAllOptions) => scoreLines(model, lines, { ...form, ...more, context, signal });
    if (!apart || samples < 2) {
      const scores = await score({ samples, seed });
      return scores.map((each, i) => ({ ...each, unknown: each.unknown + known[i].omitted }));
    }
    const each: Awaited<ReturnType<typeof score>>[] = [];
    for (let s = 0; s < samples; s++) each.push(await score({ samples: 1, seed: seed + s }));
    return texts.map((_, i) => {
      const own = each.map((scores) => scores[i].logProbability);
      const logProbability = own.reduce((sum, value) => sum + value, 0) / samples;
      return { logProbability, samples: own, unknown: each[0][i].unknown + known[i].omitted };
    });
  };
}

/** Texts that are looked at before the host has a turn. */
const AT_ONCE = 256;

async function knownParts(model: Model, texts: readonly string[], signal: AbortSignal | undefined) {
  const known: ReturnType<typeof knownPart>[] = [];
  for (const [i, text] of texts.entries()) {
    if (i % AT_ONCE === 0) {
      await pause();
      signal?.throwIfAborted();
    }
    known.push(knownPart(model, text));
  }
  return known;
}

async function scoreLines(model: Model, lines: readonly string[], options: ScoreAllOptions) {
  const scores: { logProbability: number; unknown: number }[] = [];
  // Nothing of a text that a model knows nothing of is scored.
  const texts = lines.filter((line) => line !== "");
  const found = scoreAll(model, texts, { ...options, strict: true });
  for (const line of lines) {
    if (line === "") {
      scores.push({ logProbability: 0, unknown: 0 });
      continue;
    }
    const { value } = await found.next();
    if (!value || value.error) throw value?.error ?? new Error("a text was not scored");
    scores.push({ logProbability: value.logProbability, unknown: value.unknown });
  }
  await found.return();
  return scores;
}

/** The text without symbols that the tokenizer refuses. */
function knownPart({ tokenizer }: Model, text: string): { text: string; omitted: number } {
  if (encodes(text)) return { text, omitted: 0 };
  let [known, omitted] = ["", 0];
  for (const symbol of text)
    if (encodes(symbol)) known += symbol;
    else omitted++;
  return { text: known, omitted };

  function encodes(part: string): boolean {
    try {
      tokenizer.encode(part);
      return true;
    } catch (error) {
      if (error instanceof SviError && error.code === "E_UNKNOWN_SYMBOL") return false;
      throw error;
    }
  }
}

/** "\n" where the model knows it. */
function lineEnd({ tokenizer }: Model): string {
  try {
    return tokenizer.encode("\n").length > 0 ? "\n" : "";
  } catch {
    return "";
  }
}
