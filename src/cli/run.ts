/** @module A run of training from its first step to its file: whatever ends it, what was learnt is kept. */

import { hashOf } from "../distributed/modelHash.ts";
import { SviError } from "../errors.ts";
import { evaluate } from "../evaluation/evaluate.ts";
import type { Evaluation } from "../evaluation/tally.ts";
import type { LanguageModel } from "../languageModel.ts";
import type { Corpus } from "../text/corpus.ts";
import { type FitOptions, fit, type StepRecord } from "../training/fit.ts";
import type { CheckpointFile } from "./checkpoint.ts";
import { reworded } from "./files.ts";
import type { Interruption } from "./interrupt.ts";
import { LastGood, worseThanGuessing } from "./lastGood.ts";
import { count, counted, duration, fixed, note, printJson, printTable, warn } from "./print.ts";
import { progressFor } from "./progress.ts";
import { type Kept, keepModel } from "./save.ts";

export interface Run {
  readonly model: LanguageModel;
  readonly corpus: Corpus;
  readonly fitting: FitOptions;
  /** Of the whole run, as `fit` counts them. */
  readonly steps: number;
  readonly tokens: number;
  /** The model file to write. */
  readonly out: string;
  readonly checkpoint: CheckpointFile | null;
}

/** Below this share of the text, what no window reads is not worth a word. */
const MOST_UNREAD = 0.02;

/** For a run's opening line. */
export function inNoWindow(unread: number, { tokens }: Corpus): string[] {
  return unread > MOST_UNREAD * tokens ? [`${counted(unread, "token")} in no window`] : [];
}

interface Followed {
  readonly first: number;
  /** null where no step was done. */
  readonly last: StepRecord | null;
  readonly good: LastGood;
  /** What ended the run before its time, other than an interruption. */
  readonly failure: { readonly error: unknown } | null;
}

/**
 * Trains, saves and reports.
 * @returns the exit code
 * @throws what ended the run, after saving what was learnt; SviError `E_FILE_WRITE` where `out` could not be written,
 *   with the place where the model lies instead
 */
export async function trainAndSave(
  run: Run,
  { json, interruption }: { json: boolean; interruption: Interruption },
): Promise<number> {
  const { model, fitting, steps } = run;
  const before = model.posterior.mean.slice();
  const followed = await follow(run, json, interruption);
  const { last, good, failure } = followed;
  if (failure) throw await afterFailure(run, followed, json, before);
  if (interruption.requested && last?.step !== steps) return interrupted(run, last, json, interruption);
  const { path, problem } = await keep(run);
  if (problem) throw problem;
  const { validation, kernels, signal } = fitting;
  // A checkpoint of a finished run has nothing left to do, and so no record.
  const score = last
    ? last.valid
    : validation && (await evaluate(model, validation.corpus, { kernels, signal }));
  if (good.worseThanGuessing) {
    if (json) await printKept("saved", run, last, path);
    throw worseThanGuessing(good.recent, model, path);
  }
  if (score && score.nll > good.guessing)
    warn(`The validation text is predicted worse than by guessing: ${fixed(score.nll)} nats a token`, json);
  await report(run, followed, score ?? null, json);
  return 0;
}

/** Runs the loop until it ends, or something ends it. */
async function follow(
  { model, corpus, fitting }: Run,
  json: boolean,
  interruption: Interruption,
): Promise<Followed> {
  const progress = progressFor(json);
  const good = new LastGood(model);
  let first = 0;
  let last: StepRecord | null = null;
  try {
    for await (const record of fit(model, corpus, fitting)) {
      first ||= record.step;
      last = record;
      good.add(record.step, record.nll);
      // The error that ends such a run says it.
      const told = record.step < record.steps || json || !good.worseThanGuessing;
      progress.step(told ? record : { ...record, warning: null });
      if (interruption.requested) break;
    }
  } catch (error) {
    if (error !== interruption.signal.reason) return { first, last, good, failure: { error } };
  } finally {
    progress.stop();
  }
  return { first, last, good, failure: null };
}

/** Saves the last good weights, where the run has any. @returns the failure, with what became of them */
async function afterFailure(
  run: Run,
  { last, good, failure }: Followed,
  json: boolean,
  before: Float32Array,
): Promise<unknown> {
  const error = failure!.error;
  const diverged = error instanceof SviError && error.code === "E_DIVERGED";
  const { model, out, checkpoint } = run;
  // What diverges was going wrong for a while.
  const step = diverged ? good.restore() : (last?.step ?? null);
  const learnt = diverged ? step !== null : model.posterior.mean.some((weight, i) => weight !== before[i]);
  let kept = `nothing was written to ${out}`;
  if (learnt) {
    // The failure may be a full disk: what ended the run is told all the same.
    const place = await keepModel(model, out).catch(() => null);
    if (place && json)
      await printKept("saved", run, last && { ...last, step: step ?? last.step }, place.path);
    const weights = `the last good weights${diverged ? `, of step ${step},` : ""}`;
    kept = place ? `${weights} were saved to ${place.path}` : `${weights} could be saved nowhere`;
  }
  if (checkpoint?.holdsRun) kept += `, ${lastOf(checkpoint)}`;
  if (!(error instanceof SviError)) {
    note(`svi-lm: ${kept}`);
    return error;
  }
  const remedy = diverged ? "Train with a smaller --lr" : error.remedy;
  return learnt || diverged || checkpoint?.holdsRun
    ? reworded(error, error.problem, `${remedy}; ${kept}`)
    : error;
}

function lastOf({ path }: CheckpointFile): string {
  return `the last checkpoint is ${path}`;
}

/** Saves the model in the end. @throws SviError where there is no place for it, with that of the last checkpoint */
async function keep({ model, out, checkpoint }: Run): Promise<Kept> {
  try {
    return await keepModel(model, out);
  } catch (error) {
    if (!(error instanceof SviError) || !checkpoint?.holdsRun) throw error;
    throw reworded(error, error.problem, `${error.remedy}; ${lastOf(checkpoint)}`);
  }
}

/** Says what was kept. @returns the exit code */
async function interrupted(
  run: Run,
  last: StepRecord | null,
  json: boolean,
  interruption: Interruption,
): Promise<number> {
  const { path, problem } = last ? await keep(run) : { path: null, problem: null };
  const checkpoint = run.checkpoint?.holdsRun ? run.checkpoint : null;
  if (json) await printKept("interrupted", run, last, path);
  else if (!path) note("Interrupted before the first step; nothing was saved");
  else {
    note(`Interrupted after step ${last!.step} of ${last!.steps}; the model as it is was saved to ${path}`);
    if (checkpoint) note(`The same command with --resume continues from ${checkpoint.path}`);
  }
  if (problem) throw problem;
  return interruption.exitCode;
}

async function printKept(
  event: "saved" | "interrupted",
  { model, checkpoint }: Run,
  last: StepRecord | null,
  out: string | null,
): Promise<void> {
  const { step, steps, tokens, seconds } = last ?? { step: 0, steps: 0, tokens: 0, seconds: 0 };
  printJson({
    event,
    step,
    steps,
    tokens,
    seconds,
    out,
    checkpoint: out !== null && checkpoint?.holdsRun ? checkpoint.path : null,
    hash: out === null ? null : await hashOf(model.posterior),
  });
}

async function report(
  run: Run,
  { first, last }: Followed,
  score: Evaluation | null,
  json: boolean,
): Promise<void> {
  const { model, tokens, steps, out } = run;
  const seconds = last?.seconds ?? 0;
  // A resumed run's speed is that of its own part.
  const own = last ? Math.round(tokens * (1 - (first - 1) / steps)) : 0;
  const done = {
    event: "done",
    tokens,
    seconds,
    tokensPerSecond: last ? own / seconds : 0,
    valid: score && { nll: score.nll, perplexity: score.perplexity, bitsPerToken: score.bitsPerToken },
    parameters: model.parameters,
    hash: await hashOf(model.posterior),
  };
  if (json) {
    printJson(done);
    return;
  }
  const { valid, tokensPerSecond, hash, parameters } = done;
  const before = own < tokens ? ` after ${count(tokens - own)} before` : "";
  const speed = `${counted(own, "token")}${before} in ${duration(seconds)}, ${count(tokensPerSecond)} tokens/s`;
  const figures =
    valid &&
    `${fixed(valid.bitsPerToken)} bits/token, ${fixed(valid.nll)} nats, perplexity ${fixed(valid.perplexity, 2)}`;
  printTable([
    ["trained", speed],
    ...(figures ? [["valid", figures]] : []),
    ["parameters", count(parameters)],
    ["hash", hash],
    ["saved", out],
  ]);
}
