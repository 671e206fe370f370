/**
 * @module Learning between keystrokes: single steps of IVON on what a session reads, with the model's posterior as the
 * prior, as in `adapt`. A text that has no end counts as a text of `tokens` tokens: λ, the steps' length and how fast
 * the Hessian forgets follow from those, and what is further back than that fades.
 */
import { requireInteger, requireNumber, SviError } from "../errors.ts";
import { ivon } from "../inference/ivon/method.ts";
import { type PosteriorPrior, posteriorPrior } from "../inference/method.ts";
import { type Kernels, prepareKernels } from "../kernels/kernels.ts";
import { seedOf } from "../kernels/random.ts";
import { drive } from "../kernels/slices.ts";
import { TRAINING } from "../kernels/training.ts";
import { Posterior } from "../model/posterior.ts";
import { type Kinds, requireOptions } from "../options.ts";
import type { Learner, Learning, LearningOptions, Learnt, WaitingTokens } from "../prediction/learning.ts";
import type { Model } from "../prediction/model.ts";
import { fingerprintOf } from "../prediction/shared.ts";
import { type KeptLearner, readLearner, writeLearner } from "./learnerFile.ts";
import { schedule } from "./schedule.ts";
import { diverged, Trainer } from "./trainer.ts";
import { Waiting } from "./waiting.ts";

export interface LearnerOptions {
  /** Tokens of a step, 32 by default. */
  readonly sequence?: number;
  /** Tokens of the session's text that count, 50,000 by default: those before them fade. */
  readonly tokens?: number;
  /**
   * How much every token counts that the model learnt from before; by default 1, and less where they would count for
   * more than four times as much as `tokens` altogether.
   */
  readonly weight?: number;
  /** Step size, on the scale of `ivon`'s; 1 by default. */
  readonly learningRate?: number;
  readonly seed?: number;
  /** Tokens that may wait to be learnt from, 4,096 by default; the oldest are dropped beyond that. */
  readonly most?: number;
  /** Bytes of wasm memory that learning may occupy. */
  readonly memoryLimit?: number;
  /** What `session.learntBytes()` gave: learning continues from there, with the options that it was begun with. */
  readonly from?: Uint8Array;
}

/** What decides the numbers of a learner. */
export type LearnerForm = Required<
  Pick<LearnerOptions, "sequence" | "weight" | "tokens" | "learningRate" | "seed">
>;

const DEFAULTS = { sequence: 32, tokens: 50_000, learningRate: 1, seed: 1 };
/** What was learnt before counts so many times as much as the session's text, at most. */
const MOST_PAST = 4;
const MOST_WAITING = 4096;
const OPTIONS: Kinds<LearnerOptions> = {
  sequence: "number",
  weight: "number",
  tokens: "number",
  learningRate: "number",
  seed: "number",
  most: "number",
  memoryLimit: "number",
  from: "bytes",
};

/**
 * What a session learns by: `model.session({ learner: learner() })`, then `session.learn()` between keystrokes. The
 * session has a posterior of its own, a copy of the model's, which what it reads changes: neither the model nor its
 * other sessions do.
 *
 * ```ts
 * const session = await model.session({ learner: learner({ sequence: 8 }) });
 * await session.read("the whale and the sea");
 * const { tokens, loss } = await session.learn();
 * console.log(tokens, loss);
 * ```
 *
 * @throws SviError `E_OPTION`
 */
export function learner(options: LearnerOptions = {}): Learner {
  requireOptions("learner", options, OPTIONS);
  const most = requireInteger("most", options.most ?? MOST_WAITING, 2, 2 ** 24);
  const given = requireForm(options);
  return {
    kind: "learner",
    open: async (model, at) => {
      const { posterior } = model;
      if (!posterior.precision || posterior.lambda === null)
        throw new SviError("E_OPTION", "A learner was given to a model without a posterior", {
          option: "learner",
          value: posterior.lambda,
          remedy: "Train the model with ivon or bbb: what it learnt is the prior",
        });
      const base = fingerprintOf(posterior);
      const kept = options.from ? readLearner(options.from, model, base) : null;
      if (kept) requireSameForm(given, kept.form);
      const form = kept?.form ?? formOf(given, posterior.lambda);
      if (form.sequence >= most) throw tooFew(most, form.sequence);
      await prepareKernels(TRAINING, at.kernels);
      return new SessionLearning(model, base, form, kept, new Waiting(most, at.waiting, at.place), {
        kernels: at.kernels,
        memoryLimit: options.memoryLimit,
      });
    },
  };
}

function formOf(given: Partial<LearnerForm>, learnt: number): LearnerForm {
  const form = { ...DEFAULTS, ...given };
  return { ...form, weight: given.weight ?? Math.min(1, (MOST_PAST * form.tokens) / learnt) };
}

function requireForm(options: LearnerOptions): Partial<LearnerForm> {
  const positive = (name: "weight" | "learningRate") =>
    requireNumber(name, options[name]!, "a number above 0", (v) => v > 0);
  const { sequence, weight, tokens, learningRate, seed } = options;
  return {
    ...(sequence !== undefined && { sequence: requireInteger("sequence", sequence, 1, 4096) }),
    ...(weight !== undefined && { weight: positive("weight") }),
    ...(tokens !== undefined && { tokens: requireInteger("tokens", tokens, 1, 2 ** 40) }),
    ...(learningRate !== undefined && { learningRate: positive("learningRate") }),
    ...(seed !== undefined && { seed: requireInteger("seed", seed, 0, Number.MAX_SAFE_INTEGER) }),
  };
}

function requireSameForm(given: Partial<LearnerForm>, kept: LearnerForm): void {
  for (const [name, value] of Object.entries(given))
    if (value !== kept[name as keyof LearnerForm])
      throw new SviError(
        "E_OPTION",
        `${name} is ${value}, and was ${kept[name as keyof LearnerForm]} before`,
        {
          option: name,
          value,
          remedy: "Omit it: a learner continues with what it was begun with",
        },
      );
}

function tooFew(most: number, sequence: number): SviError {
  return new SviError(
    "E_OPTION",
    `most is ${most}, and a step takes ${sequence} tokens and the one after them`,
    {
      option: "most",
      value: most,
      remedy: `Give at least ${sequence + 1}`,
    },
  );
}

interface Means {
  readonly kernels?: Kernels;
  readonly memoryLimit?: number;
}

class SessionLearning implements Learning {
  readonly posterior: Posterior;
  readonly base: string;
  readonly #model: Model;
  readonly #form: LearnerForm;
  readonly #prior: PosteriorPrior;
  readonly #waiting: Waiting;
  readonly #means: Means;
  #trainer: Trainer;
  #total: number;

  /** @throws SviError `E_MEMORY`, `E_CHECKPOINT` */
  constructor(
    { posterior, tokenizer }: Model,
    base: string,
    form: LearnerForm,
    kept: KeptLearner | null,
    waiting: Waiting,
    means: Means,
  ) {
    const { configuration, mean, precision, lambda } = kept?.posterior ?? posterior;
    this.posterior = new Posterior(configuration, mean.slice(), precision!.slice(), lambda);
    this.base = base;
    this.#model = { posterior: this.posterior, tokenizer };
    this.#form = form;
    this.#prior = posteriorPrior(posterior, { weight: form.weight });
    this.#waiting = waiting;
    this.#means = means;
    this.#total = kept?.total ?? 0;
    this.#trainer = this.#begin();
    if (!kept) return;
    const { mean: anchor, precision: known } = this.#prior;
    const arrays = new Map([
      ...kept.arrays,
      ["mean", mean],
      ["prior/mean", anchor],
      ["prior/precision", known],
    ]);
    const [step] = kept.scalars.step ?? [];
    // What a run checks is whether a step is one of its own: here there is no last one.
    this.#trainer.restore(arrays, { ...kept.scalars, step: [Math.min(step, this.#steps)] });
    this.#trainer.step = step;
  }

  /** Steps of a text of the length that counts. */
  get #steps(): number {
    return Math.ceil(this.#form.tokens / this.#form.sequence);
  }

  #begin(): Trainer {
    const { sequence, tokens, learningRate, seed } = this.#form;
    return new Trainer(this.posterior, {
      method: ivon({ prior: this.#prior, learningRate, clip: 1 }),
      batch: 1,
      sequence,
      steps: this.#steps,
      lambda: this.#prior.lambda + tokens,
      seed: seedOf(seed),
      schedule: schedule("constant"),
      dropout: 0,
      averaging: 0,
      separator: -1,
      ...this.#means,
    });
  }

  get waiting(): WaitingTokens {
    return this.#waiting.tokens;
  }

  push(token: number): void {
    this.#waiting.push(token);
  }

  back(place: number): void {
    this.#waiting.back(place);
  }

  async learn(settled: number, { steps: most = 1, signal }: LearningOptions): Promise<Learnt> {
    requireInteger("steps", most, 1);
    const started = performance.now();
    const { sequence } = this.#form;
    let [steps, sum] = [0, 0];
    while (steps < most) {
      const window = this.#waiting.window(sequence, settled);
      if (!window) break;
      sum += await this.#step(window.ids, window.apart, signal);
      this.#total += sequence;
      steps++;
    }
    return {
      steps,
      tokens: steps * sequence,
      loss: steps > 0 ? sum / steps : null,
      total: this.#total,
      waiting: this.#waiting.tokens.ids.length,
      dropped: this.#waiting.dropped,
      milliseconds: performance.now() - started,
    };
  }

  /** @returns the loss before the update */
  async #step(ids: readonly number[], apart: boolean, signal: AbortSignal | undefined): Promise<number> {
    const trainer = this.#trainer;
    const { sequence } = this.#form;
    if (apart) trainer.resetState();
    const inputs = Int32Array.from(ids.slice(0, -1));
    const targets = Int32Array.from(ids.slice(1));
    const gradient = await drive(trainer.differentiate(inputs, targets, sequence), signal);
    signal?.throwIfAborted();
    // An update is done as a whole or not at all.
    this.#waiting.done(sequence);
    try {
      await drive(trainer.update(gradient, false));
      if (!(await drive(trainer.finite())))
        throw diverged("largest weight after the update", Infinity, trainer.step);
      await drive(trainer.publish());
    } catch (error) {
      // The posterior has the weights of the step before: learning begins anew from there, behind this window.
      trainer.release();
      this.#trainer = this.#begin();
      this.#trainer.step = trainer.step;
      throw error;
    }
    return gradient.nll;
  }

  async toBytes(): Promise<Uint8Array> {
    return drive(
      writeLearner(this.#model, this.#trainer, { base: this.base, form: this.#form, total: this.#total }),
    );
  }

  release(): void {
    this.#trainer.release();
  }
}
