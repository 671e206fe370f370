/** @module `svi-lm train --workers`: the text in shards, each shard's jobs in a thread of their own. */
import { Worker } from "node:worker_threads";
import type { RunEvent } from "../distributed/events.ts";
import { hashOf } from "../distributed/modelHash.ts";
import { MOST_ROUNDS } from "../distributed/request.ts";
import { trainSharded } from "../distributed/sharded.ts";
import { requireNumber, SviError } from "../errors.ts";
import { evaluate } from "../evaluation/evaluate.ts";
import { proveRoom } from "../formats/file.ts";
import type { IvonMethod } from "../inference/ivon/method.ts";
import type { Method } from "../inference/methods.ts";
import type { LanguageModel } from "../languageModel.ts";
import type { Corpus } from "../text/corpus.ts";
import { reworded } from "./files.ts";
import type { Interruption } from "./interrupt.ts";
import { isWorse, worseThanGuessing } from "./lastGood.ts";
import { count, counted, duration, fixed, note, printJson, printTable, warn } from "./print.ts";
import { keepModel, nothingMerged } from "./save.ts";
import { UsageError } from "./usage.ts";

/** The word that makes a thread of the program serve. */
export const SHARDS = "shards-worker";

export const SHARDED = {
  workers: {
    kind: "number",
    help: "train on shards of the text, so many side by side; the bits are the same for any number",
  },
  shards: { kind: "number", help: "with --workers: parts of the text (default 8)" },
  local: {
    kind: "number",
    value: "X",
    help: "with --workers: epochs over its shard between two merges (default 0.05)",
  },
} as const;

interface Given {
  readonly workers?: number;
  readonly shards?: number;
  readonly local?: number;
  readonly epochs?: number;
  readonly batch?: number;
  readonly sequence?: number;
  readonly seed?: number;
  readonly products?: "float32" | "int16";
  readonly method?: string;
}

/** What a run over shards does in its own way, or not at all. */
const APART = [
  "checkpoint",
  "score-after",
  "separator",
  "schedule",
  "warmup",
  "dropout",
  "threads",
  "kernels",
] as const;

/** @throws UsageError for flags that do not go together */
export function requireShardable(options: Given & { readonly [flag in (typeof APART)[number]]?: unknown }) {
  if (options.workers === undefined) {
    for (const name of ["shards", "local"] as const)
      if (options[name] !== undefined) throw new UsageError(`--${name} needs --workers`);
    return;
  }
  const apart = APART.find((name) => options[name] !== undefined);
  if (apart !== undefined) throw new UsageError(`--${apart} does not apply with --workers`);
  const { local, epochs } = lengthOf(options);
  requireNumber(
    "local",
    local,
    "a number above 0, of which a million are as much as --epochs",
    (v) => v > 0 && epochs / v <= MOST_ROUNDS,
  );
  if (options.method !== undefined && options.method !== "ivon")
    throw new UsageError(`--workers merges posteriors of --method ivon, not of ${options.method}`);
}

function lengthOf({ local = 0.05, epochs = 5 }: Given) {
  return { local, epochs };
}

export interface ShardedRun {
  readonly model: LanguageModel;
  readonly corpus: Corpus;
  readonly valid: Corpus | null;
  readonly method: Method;
  /** Paths of the texts. */
  readonly words: readonly string[];
  readonly options: Given;
  /** The model file to write. */
  readonly out: string;
  readonly json: boolean;
  readonly interruption: Interruption;
}

/** Trains, saves and reports. @returns the exit code */
export async function trainOnShards(run: ShardedRun): Promise<number> {
  const { words, options, out, json, interruption } = run;
  // Mean and precision.
  await proveRoom(out, 8 * run.model.layout.length);
  const { local, epochs } = lengthOf(options);
  const started = performance.now();
  const events = trainSharded({
    model: run.model,
    texts: words,
    workers: options.workers,
    shards: options.shards,
    rounds: Math.max(1, Math.round(epochs / local)),
    local,
    inference: run.method as IvonMethod,
    batch: options.batch,
    sequence: options.sequence,
    seed: options.seed,
    products: options.products,
    signal: interruption.signal,
    worker: () => new Worker(new URL(import.meta.url), { argv: [SHARDS] }),
  });
  const { ended, error } = await followed(events, json);
  if (error) throw await failed(run, ended?.model, error);
  return ended ? conclude(run, { ...ended, started }) : 0;
}

/** Tells of rounds as they come. @returns what the run came to, and what ended it otherwise than it should */
async function followed(
  events: AsyncIterable<RunEvent>,
  json: boolean,
): Promise<{ ended: Omit<Ended, "started"> | null; error: unknown }> {
  let ended: Omit<Ended, "started"> | null = null;
  try {
    for await (const event of events) {
      if ("model" in event) ended = event;
      else if (json) printJson(event);
      else if (event.event === "run" && event.warning) warn(event.warning, json);
      else if (event.event === "round")
        note(
          `round ${event.round} of ${event.rounds}  ${fixed(event.nll)} nats  ${counted(event.tokens, "token")}`,
        );
    }
  } catch (error) {
    return { ended, error };
  }
  return { ended, error: null };
}

/** Saves what was merged before a run failed. @returns the error, with where that is in its remedy */
async function failed(
  { out }: ShardedRun,
  merged: LanguageModel | undefined,
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof SviError)) return error;
  const kept = merged ? await keepModel(merged, out) : null;
  const where = kept
    ? `what was merged before it was saved as ${kept.path}`
    : `nothing was written to ${out}`;
  const remedy = error.code === "E_DIVERGED" ? "Train with a smaller --lr" : error.remedy;
  return reworded(error, error.problem, `${remedy}; ${where}`);
}

interface Ended {
  readonly model: LanguageModel;
  /** Of the last round; null where none was merged. */
  readonly nll: number | null;
  readonly tokens: number;
  readonly started: number;
}

async function conclude(run: ShardedRun, { model, nll, tokens, started }: Ended): Promise<number> {
  const seconds = (performance.now() - started) / 1000;
  const { valid, out, json, interruption } = run;
  const stopped = interruption.requested;
  if (stopped && tokens === 0) return nothingMerged({ tokens, seconds }, json, interruption);
  const { path, problem } = await keepModel(model, out);
  if (problem) throw problem;
  const { signal } = interruption;
  const worse = isWorse(nll, model);
  const score = valid && !stopped && !worse ? await evaluate(model, valid, { signal }) : null;
  const { parameters } = model;
  const hash = await hashOf(model.posterior);
  const figures = score && {
    nll: score.nll,
    perplexity: score.perplexity,
    bitsPerToken: score.bitsPerToken,
  };
  if (json) {
    const tokensPerSecond = tokens / seconds;
    const event = stopped ? "interrupted" : worse ? "saved" : "done";
    printJson({ event, tokens, seconds, tokensPerSecond, valid: figures, parameters, hash, out: path });
  } else if (!worse)
    printTable([
      [stopped ? "interrupted" : "trained", `${counted(tokens, "token")} in ${duration(seconds)}`],
      ...(score
        ? [["valid", `${fixed(score.bitsPerToken)} bits/token, perplexity ${fixed(score.perplexity, 2)}`]]
        : []),
      ["parameters", count(parameters)],
      ["hash", hash],
      ["saved", path],
    ]);
  if (worse) throw worseThanGuessing(nll, model, path);
  return stopped ? interruption.exitCode : 0;
}
