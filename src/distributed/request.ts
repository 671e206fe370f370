/** @module What a distributed run is asked for, checked and turned into its plan. */
import { resolve } from "node:path";
import { requireInteger, requireNumber, SviError, wrongOption } from "../errors.ts";
import { FRESH } from "../inference/ivon/guide.ts";
import { type IvonMethod, ivon } from "../inference/ivon/method.ts";
import { packageVersion, sources } from "../kernels/generated/identity.ts";
import type { LanguageModel } from "../languageModel.ts";
import type { Kinds } from "../options.ts";
import { requireModel } from "../prediction/model.ts";
import { formFor } from "../training/plan.ts";
import { lookAt } from "./look.ts";
import { momentumFor } from "./momentum.ts";
import type { RunPlan } from "./plan.ts";
import type { Blobs } from "./store.ts";
import { isAddress, openText, type Shard, shardTexts } from "./texts.ts";

/** What a run is asked for; what is omitted is as in `fit`. */
export interface RunOptions {
  /** Untrained, or trained before: where all shards begin. */
  readonly model: LanguageModel;
  /** Paths, s3 addresses, or http(s) ones that answer range requests; every worker must be able to read them. */
  readonly texts: readonly string[];
  /** 8 by default. */
  readonly shards?: number;
  /** Times that all shards are merged; 100 by default. */
  readonly rounds?: number;
  /** Epochs over its shard that a job reads in a round; 0.05 by default: many short rounds lose less than few long ones. */
  readonly local?: number;
  /** Share of the merged change that is made in a round, above 0; 1 by default. */
  readonly damping?: number;
  /** Share of a round's movement that the next one continues with, 0 to below 1; by the number of shards by default. */
  readonly momentum?: number;
  /** Epochs over the first shard that one job reads before the first round; 0.5 by default. */
  readonly warmUp?: number;
  /** Jobs of every round that a second worker repeats, to compare; 0 by default. */
  readonly verify?: number;
  readonly inference?: IvonMethod;
  /** Lanes of a job; by default those of all shards are as many as `fit` reads with, and 4 at least. */
  readonly batch?: number;
  readonly sequence?: number;
  readonly seed?: number;
  readonly products?: "float32" | "int16";
  readonly lineEnds?: "keep" | "lf";
}

export const RUN: Kinds<RunOptions> = {
  model: "object",
  texts: "object",
  shards: "number",
  rounds: "number",
  local: "number",
  damping: "number",
  momentum: "number",
  warmUp: "number",
  verify: "number",
  inference: "object",
  batch: "number",
  sequence: "number",
  seed: "number",
  products: "string",
  lineEnds: "string",
};

/**
 * The plan, and what is to be said of texts that the model's tokenizer hardly knows.
 * @throws SviError `E_OPTION`, `E_TEXT_SHORT`, `E_TEXT_ENCODING`, `E_UNKNOWN_SYMBOL`, `E_FILE_MISSING`, `E_FILE_READ`
 */
export async function planRun(
  options: RunOptions,
  blobs: Blobs,
): Promise<{ plan: RunPlan; warning: string | null }> {
  requireModel(options.model);
  const { texts } = options;
  if (!Array.isArray(texts) || texts.some((text) => typeof text !== "string"))
    throw wrongOption("texts", texts, "an array of paths or addresses");
  const count = requireInteger("shards", options.shards ?? 8, 1, 10_000);
  const { shards, warning } = await openAndShard(options, count);
  return { plan: await planOver(shards, options, blobs), warning };
}

/** The plan of a run over shards that are known. @throws SviError `E_OPTION` */
export async function planOver(
  shards: readonly Shard[],
  options: Omit<RunOptions, "texts" | "shards">,
  blobs: Blobs,
): Promise<RunPlan> {
  const count = shards.length;
  const method = requireMethod(options.inference);
  const positive = (name: string, value: number) =>
    requireNumber(name, value, "a number above 0", (v) => v > 0);
  const batch = requireInteger("batch", options.batch ?? batchFor(count), 1, 4096);
  return {
    version: packageVersion,
    sources,
    shards,
    lineEnds: options.lineEnds ?? "keep",
    method,
    batch,
    sequence: requireInteger("sequence", options.sequence ?? 64, 1, 4096),
    seed: requireInteger("seed", options.seed ?? 1, 0, 2 ** 32 - 1),
    products: options.products ?? formFor(batch),
    rounds: requireInteger("rounds", options.rounds ?? 100, 1, MOST_ROUNDS),
    local: positive("local", options.local ?? 0.05),
    damping: positive("damping", options.damping ?? 1),
    momentum: requireNumber(
      "momentum",
      options.momentum ?? momentumFor(count),
      "a number from 0 to below 1",
      (v) => v >= 0 && v < 1,
    ),
    warmUp: positive("warmUp", options.warmUp ?? 0.5),
    verify: requireInteger("verify", options.verify ?? 0, 0, count),
    initial: await blobs.put(options.model.toBytes()),
  };
}

export const MOST_ROUNDS = 1_000_000;

/** What shards were measured with (docs/lab/shards.md); a merge scales the embedding, so that none decays of itself. */
const SHARDED = { learningRate: 11, clip: 0.3, embeddingDecay: 0 };
/** Lanes that a run on one machine reads with. */
const LANES = 32;
/** With fewer a job takes about as long. */
const LEAST_LANES = 4;

/**
 * A merge sums up the lanes of all shards: with as many as on one machine, shards make as many steps as it does. Twice
 * as many lanes are half as many steps, and cost 2.8 % of the loss (docs/lab/shards.md).
 */
function batchFor(shards: number): number {
  return Math.max(LEAST_LANES, Math.ceil(LANES / shards));
}

/** @param given undefined for what shards were measured with, as is `ivon()` without arguments */
function requireMethod(given: IvonMethod = ivon()): RunPlan["method"] {
  const method = JSON.stringify(given) === JSON.stringify(ivon()) ? ivon(SHARDED) : given;
  const prior = method.prior ?? FRESH;
  if (method.kind === "ivon" && method.noise !== false && prior.kind === "gaussian")
    return {
      ...method,
      learningRate: method.learningRate ?? SHARDED.learningRate,
      embeddingDecay: SHARDED.embeddingDecay,
      prior,
    };
  throw new SviError("E_OPTION", "A distributed run infers a posterior from a Gaussian prior", {
    option: "inference",
    value: method,
    remedy: "Give ivon(), or ivon({ prior: gaussianPrior(0.3) })",
  });
}

async function openAndShard(
  { texts, model, lineEnds }: RunOptions,
  count: number,
): Promise<{ shards: Shard[]; warning: string | null }> {
  const places = texts.map((at) => (isAddress(at) ? at : resolve(at)));
  const opened: { at: string; source: Awaited<ReturnType<typeof openText>> }[] = [];
  try {
    for (const at of places) opened.push({ at, source: await openText(at) });
    const shards = await shardTexts(opened, count);
    const sources = new Map(opened.map(({ at, source }) => [at, source]));
    const ranges = shards.flat().map(({ at, from, to }) => ({
      size: to - from,
      read: (start: number, end: number) => sources.get(at)!.read(from + start, from + end),
    }));
    return { shards, warning: await lookAt(ranges, model.tokenizer, lineEnds) };
  } finally {
    for (const { source } of opened) await source.close();
  }
}
