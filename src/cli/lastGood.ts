/** @module What a run has come to by its losses, and the weights of the last place where it was going well. */
import { SviError } from "../errors.ts";
import type { LanguageModel } from "../languageModel.ts";
import { finish } from "../model/work.ts";
import { fixed } from "./print.ts";

/** Steps that a mean is of, at most, and between two copies of the weights. */
const SPAN = 50;
/** Noise of minibatches, and the first steps of a run, do not count as worse. */
const TOLERANCE = 1.05;

interface Copy {
  readonly step: number;
  readonly mean: Float32Array;
  readonly precision: Float32Array | null;
  readonly lambda: number | null;
}

/** Loss of guessing among all tokens. */
const guessingOf = ({ configuration }: LanguageModel): number => Math.log(configuration.vocabulary);

/** Whether a run that ends at that loss, null where it has none, has learnt nothing. */
export function isWorse(nll: number | null, model: LanguageModel): nll is number {
  return nll !== null && nll > TOLERANCE * guessingOf(model);
}

export function worseThanGuessing(nll: number, model: LanguageModel, path: string): SviError {
  return new SviError(
    "E_DIVERGED",
    `The run ended at ${fixed(nll)} nats a token, worse than guessing (${fixed(guessingOf(model))})`,
    {
      value: nll,
      remedy: `Train with a smaller --lr, or longer; the model was saved to ${path} all the same`,
    },
  );
}

export class LastGood {
  /** Loss of guessing among all tokens. */
  readonly guessing: number;
  readonly #model: LanguageModel;
  /** Of the last span at most, the oldest first. */
  readonly #last: number[] = [];
  #steps = 0;
  #best = Number.POSITIVE_INFINITY;
  #copy: Copy | null = null;

  constructor(model: LanguageModel) {
    this.#model = model;
    this.guessing = guessingOf(model);
  }

  /** @param step 1-based, of the weights that the model has now */
  add(step: number, nll: number): void {
    this.#last.push(nll);
    if (this.#last.length > SPAN) this.#last.shift();
    if (++this.#steps % SPAN > 0) return;
    const { recent } = this;
    if (recent >= this.guessing || recent > TOLERANCE * this.#best) return;
    this.#best = Math.min(this.#best, recent);
    const { mean, precision, lambda } = this.#model.posterior;
    this.#copy = { step, mean: mean.slice(), precision: precision?.slice() ?? null, lambda };
  }

  /** Mean over the last tenth of the run, at most 50 steps. */
  get recent(): number {
    const last = this.#last.slice(-Math.ceil(this.#steps / 10));
    return last.reduce((sum, nll) => sum + nll, 0) / last.length;
  }

  get worseThanGuessing(): boolean {
    return this.#steps > 0 && isWorse(this.recent, this.#model);
  }

  /** Gives the model those weights back. @returns the step they are of; null where there are none */
  restore(): number | null {
    if (!this.#copy) return null;
    const { step, mean, precision, lambda } = this.#copy;
    finish(this.#model.posterior.assign(mean, precision, lambda));
    return step;
  }
}
