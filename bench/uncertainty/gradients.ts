/** @module What a text would teach a model: its gradient by the posterior's covariance, and what one step would gain. */

import { KernelInstance } from "../../src/kernels/instance.ts";
import { MemoryPlan } from "../../src/kernels/memory.ts";
import { finish, Tape } from "../../src/kernels/tape.ts";
import { TRAINING } from "../../src/kernels/training.ts";
import type { LanguageModel } from "../../src/languageModel.ts";
import { Network } from "../../src/model/network.ts";

export interface Taught {
  /** gᵀΣg a token, g the gradient of the text's log-likelihood. */
  readonly gradient: number;
  /** Nats a token that the loss falls by after a natural-gradient step, Σg of the mean loss times `rate`. */
  readonly drop: number;
}

const LONGEST = 80;

export function taught(model: LanguageModel, lines: readonly string[], rate = 2000): Taught[] {
  const { configuration, layout, mean, precision } = model.posterior;
  const plan = new MemoryPlan(new KernelInstance(TRAINING));
  const tape = new Tape(plan.instance);
  const network = new Network(tape, plan, configuration, layout, {
    batch: 1,
    sequence: LONGEST,
    training: true,
  });
  const [theta, gradient] = [plan.words(layout.length), plan.words(layout.length)];
  const state = plan.words(network.stateSize);
  plan.commit();
  const weights = plan.floats(theta, layout.length);
  const g = plan.floats(gradient, layout.length);
  const variance = Float32Array.from(precision ?? mean, (value) => (precision && value > 0 ? 1 / value : 0));
  const loss = (ids: Int32Array, at: number) => {
    const steps = Math.min(LONGEST, ids.length - 1);
    plan.floats(state, network.stateSize).fill(0);
    network.setWindow(ids.slice(0, steps), ids.slice(1, steps + 1), steps);
    let sum = 0;
    network.pack(theta);
    network.forward(theta, state);
    network.loss(theta, at, (nll) => {
      sum = nll;
    });
    if (at) network.backward(at);
    finish(tape.run());
    return sum / steps;
  };
  return lines.map((line) => {
    const ids = model.tokenizer.encode(line);
    weights.set(mean);
    const before = loss(ids, gradient);
    let sum = 0;
    for (let i = 0; i < g.length; i++) {
      sum += g[i] * g[i] * variance[i];
      weights[i] = mean[i] - rate * variance[i] * g[i];
    }
    return { gradient: sum * (ids.length - 1), drop: before - loss(ids, 0) };
  });
}
