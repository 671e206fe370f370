/** @module What a run tells its user beside the figures: warnings, and notes that explain what might surprise. */
import { highestRate } from "../inference/ivon/rate.ts";
import type { FitOptions, StepRecord } from "./fit.ts";
import type { Plan } from "./plan.ts";
import { unknownWarning } from "./unknown.ts";

/** Pull of a prior over a run from which on it is called strong; the default's is less. */
const STRONG_PULL = 1;
/** Steps in which a loss above the first is explained. */
const FIRST_STEPS = 10;
/** Of the first loss: less is the difference between minibatches. */
const ABOVE = 1.1;
/** Times the loss of guessing: an untrained model is a little worse than that, too. */
const MUCH = 1.05;
/** Scored tokens of a window below which a rate of IVON's that is as high as this may be told to be too high. */
const FEW_SCORED = 1024;
const HIGH_RATE = 8;
/** Steps that a mean loss is of, at most. */
const SPAN = 50;
/** Rise of that mean, as a share of the loss of guessing, that minibatches alone do not make. */
const RISE = 0.05;

/** Follows a run's records. */
export class Remarks {
  readonly #plan: Plan;
  readonly #options: FitOptions;
  readonly #vocabulary: number;
  /** Share of the text's tokens that is unknown. */
  readonly #unknown: number;
  #validations = 0;
  #first: number | null = null;
  #explained = false;
  #lowest = Number.POSITIVE_INFINITY;
  #steps = 0;
  #warned = false;
  readonly #last: number[] = [];

  constructor(plan: Plan, options: FitOptions, vocabulary: number, unknown = 0) {
    this.#plan = plan;
    this.#options = options;
    this.#vocabulary = vocabulary;
    this.#unknown = unknown;
  }

  /** @param last whether the run ends with this step */
  of(
    { step, nll, learningRate, valid }: Pick<StepRecord, "step" | "nll" | "learningRate" | "valid">,
    last: boolean,
  ): Pick<StepRecord, "warning" | "note"> {
    this.#last.push(nll);
    if (this.#last.length > SPAN) this.#last.shift();
    const warnings = [
      step === 1 ? unknownWarning("text", this.#unknown) : null,
      valid && !this.#validations++ ? unknownWarning("validation text", valid.unknown / valid.tokens) : null,
      step === 1 ? strongPrior(this.#plan, learningRate) : null,
      this.#longSteps(),
      last ? this.#worseThanGuessing(valid?.nll) : null,
    ];
    const notes = [step === 1 ? learntPrior(this.#plan, this.#options) : null, this.#jump(step, nll)];
    return { warning: joined(warnings), note: joined(notes) };
  }

  /** Why the loss of the first steps may be above its start. */
  #jump(step: number, nll: number): string | null {
    if (step === 1) this.#first = nll;
    if (this.#explained || this.#first === null || step > FIRST_STEPS || nll <= ABOVE * this.#first)
      return null;
    this.#explained = true;
    return "The first steps are as long as later ones, and all of them push the commonest tokens: they overshoot, and the loss is above its start for some ten steps; a schedule with warmup begins with shorter ones";
  }

  /** Loss of guessing among all tokens. */
  get #guessing(): number {
    return Math.log(this.#vocabulary); // for display alone
  }

  /**
   * A high rate is that of windows of some 2,048 scored tokens. With fewer of them a large model may learn nothing,
   * and a small one learns well: what tells is a loss that rises, or that is above guessing after a hundred steps.
   */
  #longSteps(): string | null {
    const { method, scored, batch } = this.#plan;
    if (method.kind !== "ivon" || scored === null || scored >= FEW_SCORED) return null;
    const rate = highestRate(this.#plan);
    if (rate < HIGH_RATE) return null;
    if (++this.#steps % SPAN > 0) return null;
    const recent = mean(this.#last);
    const lowest = this.#lowest;
    this.#lowest = Math.min(lowest, recent);
    const guessing = this.#guessing;
    if (this.#warned || this.#steps === SPAN || recent <= Math.min(lowest + RISE * guessing, guessing))
      return null;
    this.#warned = true;
    return `The loss does not fall: a window has about ${Math.round(scored)} scored tokens, and a learning rate of ${Number(rate.toPrecision(2))} is right for some 2,048; take ivon({ learningRate: 3 }), --lr 3 on the command line, or a batch above ${batch}`;
  }

  #worseThanGuessing(valid = mean(this.#last.slice(-Math.ceil(this.#plan.steps / 10)))): string | null {
    const guessing = this.#guessing;
    if (valid <= MUCH * guessing) return null;
    return `The run ends at ${valid.toFixed(2)} nats a token, worse than guessing among all ${this.#vocabulary} tokens (${guessing.toFixed(2)}): train again with a smaller learning rate, or longer`;
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function joined(parts: readonly (string | null)[]): string | null {
  return parts.filter((part) => part !== null).join("; ") || null;
}

/** The pull of IVON's prior over a run, Σ lr·δ: a δ that looks tiny is a strong prior. */
function strongPrior(plan: Plan, learningRate: number): string | null {
  const { method, lambda, steps } = plan;
  if (method.kind !== "ivon" || method.prior?.kind !== "gaussian") return null;
  // Half of the highest rate on average, as under a cosine.
  const pull =
    (0.5 * Math.max(learningRate, highestRate(plan)) * steps) /
    (lambda * method.prior.scale * method.prior.scale);
  if (pull <= STRONG_PULL) return null;
  const share = 100 * (1 - Math.exp(-pull)); // for display alone
  const part = share < 99 ? `about ${Math.round(share)}` : "more than 99";
  return `The prior N(0, ${method.prior.scale}²) takes ${part} % of the mean away over this run; a larger prior scale or lambda makes it weaker`;
}

/** What a user would not expect of the run as it was planned. */
function learntPrior({ learnt, method }: Plan, options: FitOptions): string | null {
  const chosen = options.inference?.kind === "ivon" && options.inference.prior !== null;
  if (method.kind !== "ivon" || learnt === 0 || chosen) return null;
  return `What the model learnt before, from ${Math.round(learnt)} tokens, is the prior: this text counts by its share; ivon({ prior: posteriorPrior(model.posterior, { weight: 0.1 }) }) lets it change more`;
}
