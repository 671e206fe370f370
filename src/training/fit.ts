/** @module The minibatch loop: one for every method, an async iterable of step records. */

import { requireInteger, SviError } from "../errors.ts";
import { Evaluator } from "../evaluation/evaluate.ts";
import type { Evaluation } from "../evaluation/tally.ts";
import type { HessianRatio } from "../inference/guide.ts";
import type { Method } from "../inference/methods.ts";
import type { ProductForm } from "../kernels/forms.ts";
import type { Build } from "../kernels/identity.ts";
import { type Kernels, prepareKernels } from "../kernels/kernels.ts";
import { seedOf } from "../kernels/random.ts";
import { drive } from "../kernels/slices.ts";
import { TRAINING } from "../kernels/training.ts";
import { ready, type Slices } from "../model/work.ts";
import { documentsOf, type Model, requireVocabulary } from "../prediction/model.ts";
import type { Corpus, LaneReader } from "../text/corpus.ts";
import type { Documents } from "../text/scoring.ts";
import type { SourceRanges } from "../text/tokens.ts";
import { readCheckpoint, requireSameRun, type Saved, writeCheckpoint } from "./checkpoint.ts";
import { type Plan, planRun, requireFitting, requireOccasions } from "./plan.ts";
import { Remarks } from "./remarks.ts";
import type { Schedule } from "./schedule.ts";
import { diverged, type StepFigures, Trainer } from "./trainer.ts";
import { unknownShare } from "./unknown.ts";

export interface FitOptions {
  /** `ivon()` by default. */
  readonly inference?: Method;
  /** Epochs, 5 by default; a fraction ends inside an epoch. */
  readonly epochs?: number;
  /** Lanes read side by side, 32 by default. */
  readonly batch?: number;
  /** Timesteps that gradients flow back through: 64 by default, of pairs those of the longest. */
  readonly sequence?: number;
  /** Cosine without warm-up by default. */
  readonly schedule?: Schedule;
  /** Probability that a unit is dropped, one mask a lane and window; 0 by default. */
  readonly dropout?: number;
  /** Part at the end of the run over which the mean is averaged; 0 by default. */
  readonly averaging?: number;
  /**
   * The model gets an exponential moving average of the weights over all steps in place of the last ones: a step n
   * before the end counts by decayⁿ, and all of them add up to 1 at every step (Kingma and Ba 2015, section 7.2).
   * Validation and checkpoints have the average; it cannot be had along with `averaging`.
   */
  readonly average?: AverageOptions;
  /**
   * Token id that starts a document: its lane's state is reset before it. The corpus's own by default, else the
   * model's; null for none. The model remembers it, with the corpus's `scoreAfter`.
   */
  readonly separator?: number | null;
  readonly seed?: number;
  readonly validation?: Validation;
  readonly checkpoint?: Checkpointing;
  /** A checkpoint to continue from; the text and all options that decide its bits must be those it began with. */
  readonly resume?: Uint8Array;
  /** Ends the run early where it returns true. */
  readonly until?: (record: StepRecord) => boolean;
  readonly signal?: AbortSignal;
  /** Bytes that the run may occupy, 4 GiB by default. */
  readonly memoryLimit?: number;
  /** What computes: the entry point's own by default, whose bits are the same on every engine. */
  readonly kernels?: Kernels;
  /**
   * What the matrix products of training are made of: `int16`, integers of 12 and 13 bits with a scale for every row
   * and column, takes little more than half of the time of `float32` and learns the same (docs/design/kernels.md); the
   * default from two lanes on. Each has its own bits, the same on every engine.
   * Scores and predictions are made of floats.
   */
  readonly products?: ProductForm;
}

export interface AverageOptions {
  /** From 0, the last weights alone, up to, and without, 1; 0.99 is a memory of about a hundred steps. */
  readonly decay: number;
}

export interface Validation {
  readonly corpus: Corpus;
  /** Steps between two validations; by default one at the end of every epoch. The last step always has one. */
  readonly every?: number;
  readonly samples?: number;
}

export interface Checkpointing {
  /** Steps between two checkpoints. */
  readonly every: number;
  readonly save: (bytes: Uint8Array) => Promise<void> | void;
}

/** One update. Everything is per token and in nats unless said otherwise. */
export interface StepRecord extends StepFigures {
  /** 1-based. */
  readonly step: number;
  readonly steps: number;
  /** Epochs so far. */
  readonly epoch: number;
  /** Tokens seen so far. */
  readonly tokens: number;
  /** Since the run, or its resumption, began. */
  readonly seconds: number;
  readonly bitsPerToken: number;
  /** KL(q‖p) in nats, of the whole posterior; computed every 10 steps, and repeated in between. */
  readonly kl: number;
  /** -(nll + klWeight · kl / λ), λ that of the text: `lambda` without what is behind a learnt prior. */
  readonly elbo: number;
  readonly lambda: number;
  readonly hessianRatio: HessianRatio | null;
  readonly valid: Evaluation | null;
  /** What a user should know and would not see, such as a prior that is stronger than it looks. */
  readonly warning: string | null;
  /** What explains figures that might surprise, such as what a learnt prior does to a short text. */
  readonly note: string | null;
  readonly seed: number;
  /** Which kernels computed it; figures of `relaxed` are not reproducible. */
  readonly build: Build;
}

const KL_EVERY = 10;
/** Errors that may leave an update half done, or weights that no loss can be computed with. */
const SPOILING: ReadonlySet<string> = new Set(["E_DIVERGED", "E_WORKER", "E_DISPOSED"]);
/** Steps between two copies of the weights that a run falls back to when it diverges. */
const KEEP_EVERY = 50;

/**
 * Trains a model in place, one record an update.
 *
 * The weights are the run's own until it ends: scoring the model meanwhile sees those of the last finished step,
 * a second `fit` throws `E_BUSY`. Leaving the loop early (`break`) keeps what was learnt.
 *
 * @throws SviError `E_OPTION`, `E_TEXT_SHORT`, `E_UNKNOWN_SYMBOL` for a text without a token that the tokenizer knows, `E_VOCABULARY_MISMATCH`, `E_MEMORY`, `E_BUSY`, `E_DIVERGED`,
 *   `E_CHECKPOINT`; `E_WORKER` where a thread of the kernels is lost, with the weights of at most 50 steps before;
 *   the signal's reason when aborted
 */
export function fit(
  model: Model,
  corpus: Corpus,
  options: FitOptions = {},
): AsyncGenerator<StepRecord, void, void> {
  return fitInTurn(model, corpus, options, () => true);
}

/**
 * `fit`, with the gradient of a step made before `turn` lets it change the weights: a worker makes one ahead while
 * its caller looks at the last record, and drops it where the caller has had enough.
 * @param turn false to end the run with the weights as they are
 */
export async function* fitInTurn(
  model: Model,
  text: Corpus,
  options: FitOptions,
  turn: () => boolean | Promise<boolean>,
): AsyncGenerator<StepRecord, void, void> {
  requireFitting(model, text, options);
  options.signal?.throwIfAborted();
  requireVocabulary(model, text);
  const documents = documentsOf(model, text, options.separator);
  const corpus = await text.heeding(documents);
  const batch = requireInteger("batch", options.batch ?? 32, 1, 4096);
  const sequence = requireInteger("sequence", options.sequence ?? corpus.documents?.longest ?? 64, 1, 4096);
  const lanes = corpus.lanes({ batch, sequence, shuffle: options.seed ?? 1 });
  const saved = options.resume ? readCheckpoint(options.resume, model.tokenizer) : null;
  const scored = corpus.scoring ? await corpus.scored() : corpus.tokens;
  const plan = planRun(model, corpus, options, lanes, saved, scored, documents);
  requireOccasions(model, plan.method, options);
  const valid = options.validation ? await heeded(options.validation.corpus, documents) : null;
  const unknown = await unknownShare(lanes, corpus.tokenizer.unknown);
  const remarks = new Remarks(plan, options, model.posterior.configuration.vocabulary, unknown);
  let trainer: Trainer | undefined;
  let validator: Evaluator | undefined;
  model.posterior.lock(() => trainer?.publish() ?? ready(undefined));
  let good = true;
  try {
    await prepareKernels(TRAINING, options.kernels);
    trainer = createTrainer(model, plan, options);
    if (valid) {
      await prepareKernels(TRAINING, options.kernels);
      validator = new Evaluator(model, options.validation!.samples ?? 0, { ...options, ...valid });
    }
    model.documents = documents;
    const validate = () => validator!.score(valid!.corpus, options.signal);
    yield* run(model, corpus, lanes, plan, trainer, valid && validate, saved, remarks, options, turn);
  } catch (error) {
    good = !(error instanceof SviError && SPOILING.has(error.code));
    throw error;
  } finally {
    if (trainer) await drive(settle(trainer, good));
    trainer?.release();
    validator?.release();
    model.posterior.unlock();
    await lanes.close();
  }
}

/** A validation corpus as the run's documents are, where it does not say so itself. */
async function heeded(text: Corpus, documents: Documents | null) {
  const separator = (text.scoring ?? documents)?.separator ?? -1;
  return { corpus: await text.heeding(documents), separator, longest: text.documents?.longest };
}

/** Leaves the posterior with what was learnt, or with the last weights that were good. */
function* settle(trainer: Trainer, good: boolean): Slices {
  if (good && (yield* trainer.finite())) yield* trainer.publish();
  else yield* trainer.fallBack();
}

function createTrainer(model: Model, plan: Plan, options: FitOptions): Trainer {
  return new Trainer(model.posterior, {
    ...plan,
    seed: seedOf(plan.seed),
    memoryLimit: options.memoryLimit,
    kernels: options.kernels,
  });
}

async function* run(
  model: Model,
  corpus: Corpus,
  lanes: LaneReader,
  plan: Plan,
  trainer: Trainer,
  validate: (() => Promise<Evaluation>) | null,
  saved: Saved | null,
  remarks: Remarks,
  options: FitOptions,
  turn: () => boolean | Promise<boolean>,
): AsyncGenerator<StepRecord, void, void> {
  const size = plan.batch * plan.sequence;
  const inputs = new Int32Array(size);
  const targets = new Int32Array(size);
  const sources = corpus.documents ? { from: new Int32Array(size), to: new Int32Array(size) } : undefined;
  const fingerprint = {
    corpus: await corpus.fingerprint(),
    model: model.posterior.configuration,
    ...plan,
  };
  if (saved) {
    requireSameRun(saved, fingerprint);
    trainer.restore(saved.arrays, saved.scalars);
    await lanes.seek(trainer.step % lanes.windows, Math.floor(trainer.step / lanes.windows));
  }
  const first = trainer.step;
  const started = performance.now();
  let kl = 0;
  while (trainer.step < plan.steps) {
    const time = await nextWindow(lanes, trainer, inputs, targets, sources);
    const { step } = trainer;
    const gradient = await drive(trainer.differentiate(inputs, targets, time, sources), options.signal);
    if (!(await turn())) break;
    options.signal?.throwIfAborted();
    const keep = step === first || step % KEEP_EVERY === 0;
    // Without the signal: an update is done as a whole or not at all.
    const figures = await drive(trainer.update(gradient, keep));
    const last = trainer.step === plan.steps;
    if (step % KL_EVERY === 0 || step === first || last) kl = await drive(trainer.guide.kl(), options.signal);
    const due = validate && (last || trainer.step % (options.validation!.every ?? plan.windows) === 0);
    if (due) await drive(trainer.publish());
    const valid = due ? await validate() : null;
    const record = recordOf(figures, plan, lanes, trainer, kl, started, valid, remarks);
    const { checkpoint } = options;
    const saving = checkpoint && (last || trainer.step % checkpoint.every === 0);
    if (saving || last) await drive(trainer.prove(), options.signal);
    if (saving) await checkpoint.save(await drive(writeCheckpoint(model, trainer, fingerprint)));
    yield record;
    if (options.until?.(record)) break;
  }
  if (!(await drive(trainer.finite())))
    throw diverged("largest weight after the update", Number.POSITIVE_INFINITY, trainer.step - 1);
}

/** The next window; at the end of a pass the first one again, from a state of zeros. */
async function nextWindow(
  lanes: LaneReader,
  trainer: Trainer,
  inputs: Int32Array,
  targets: Int32Array,
  sources: SourceRanges | undefined,
): Promise<number> {
  if (lanes.cursor === 0 || !lanes.contiguous) trainer.resetState();
  const time = await lanes.next(inputs, targets, sources);
  if (time > 0) return time;
  await lanes.seek(0, Math.floor(trainer.step / lanes.windows));
  trainer.resetState();
  return lanes.next(inputs, targets, sources);
}

function recordOf(
  figures: StepFigures,
  plan: Plan,
  lanes: LaneReader,
  trainer: Trainer,
  kl: number,
  started: number,
  valid: Evaluation | null,
  remarks: Remarks,
): StepRecord {
  const { step } = trainer;
  const { nll, learningRate } = figures;
  return {
    ...figures,
    step,
    steps: plan.steps,
    epoch: step / plan.windows,
    tokens: Math.round(step * (lanes.tokens / lanes.windows)),
    seconds: (performance.now() - started) / 1000,
    bitsPerToken: figures.nll / Math.LN2,
    kl,
    elbo: -(figures.nll + (figures.klWeight * kl) / (plan.lambda - plan.learnt)),
    lambda: plan.lambda,
    hessianRatio: trainer.guide.hessianRatio(),
    valid,
    ...remarks.of({ step, nll, learningRate, valid }, step === plan.steps),
    seed: plan.seed,
    build: plan.build,
  };
}
