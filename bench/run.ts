/** @module A run to be timed: a model of small random weights, past the beginning of a very long training. */

import type { Method } from "../src/inference/public.ts";
import type { ProductForm } from "../src/kernels/forms.ts";
import type { Kernels } from "../src/kernels/kernels.ts";
import { seedOf } from "../src/kernels/random.ts";
import { configureModel, type ModelOptions } from "../src/model/configuration.ts";
import { layoutOf } from "../src/model/layout.ts";
import { Posterior } from "../src/model/posterior.ts";
import { finish } from "../src/model/work.ts";
import { schedule } from "../src/training/schedule.ts";
import { Trainer } from "../src/training/trainer.ts";

export interface RunShape extends ModelOptions {
  readonly vocabulary: number;
  readonly batch: number;
  readonly sequence: number;
  readonly products?: ProductForm;
}

/**
 * Leaves the weights where they are. What is drawn at random cannot be learnt: at a method's own rate it drives gates
 * into saturation, and on some processors a step then takes several times as long: its tiny gradients become denormal.
 */
export const STILL = { learningRate: 1e-6 };

/** Figures must not depend on what was learnt. @param precision of every weight, for samples; none for a start */
export function randomPosterior(
  shape: ModelOptions & { readonly vocabulary: number },
  precision?: number,
): Posterior {
  const configuration = configureModel(shape.vocabulary, shape);
  const { length } = layoutOf(configuration);
  const mean = Float32Array.from({ length }, () => (Math.random() - 0.5) / 8);
  const known = precision === undefined ? null : new Float32Array(length).fill(precision);
  return new Posterior(configuration, mean, known, known && 1e6);
}

export function trainerOf(
  shape: RunShape,
  method: Method,
  kernels?: Kernels,
  posterior = randomPosterior(shape),
): Trainer {
  const trainer = new Trainer(posterior, {
    method,
    batch: shape.batch,
    sequence: shape.sequence,
    steps: 1e6,
    lambda: 1e6,
    seed: seedOf(1),
    schedule: schedule("constant"),
    dropout: 0,
    separator: -1,
    averaging: 0,
    products: shape.products,
    kernels,
  });
  if (method.kind === "ivon") {
    // Through the steps in which it gets to know the gradients, and on to where its noise is whole.
    for (let i = 0; i <= method.probe; i++) step(trainer, randomTokens(shape), randomTokens(shape));
    trainer.step = 650_000;
  }
  return trainer;
}

/** One step at once, without a pause between slices. */
export function step(trainer: Trainer, inputs: Int32Array, targets: Int32Array): void {
  const { sequence } = trainer.options;
  finish(trainer.update(finish(trainer.differentiate(inputs, targets, sequence)), false));
}

/** [batch·sequence] ids, all of a vocabulary alike. */
export function randomTokens({ batch, sequence, vocabulary }: RunShape): Int32Array {
  return Int32Array.from({ length: batch * sequence }, () => Math.floor(Math.random() * vocabulary));
}
