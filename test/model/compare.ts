/** A network against the float64 reference, window by window: loss, states and every gradient. */
import { expect } from "vitest";
import { randomNumbers } from "../support/random.ts";
import { reference } from "./reference.ts";
import { Rig, Worst } from "./support.ts";

export interface Case {
  vocabulary: number;
  embedding: number;
  hidden: number;
  layers: number;
  tied: boolean;
  /** Of an adaptive softmax; a full one without. */
  cutoffs?: number[];
  batch: number;
  sequence: number;
  attention?: { span: number; after?: number; separator?: number };
  dropout: boolean;
  resets: boolean;
  /** Timesteps of the windows that follow one another. */
  windows: number[];
}

export const BOUND = 1e-5;

/** Runs the windows of a case through network and reference; says which targets they had. */
export function compare(c: Case, seed: number): { forward: Worst; gradients: Worst; targets: Int32Array[] } {
  const random = randomNumbers(seed);
  const { batch, sequence, dropout, resets } = c;
  const rig = new Rig(
    { ...c, softmax: c.cutoffs ? "adaptive" : "full" },
    { batch, sequence, dropout, resets },
  );
  const { plan, layout, model, network } = rig;
  const uniform = (low: number, high: number) => low + (high - low) * random();
  const weights = plan.floats(rig.theta, layout.length);
  for (const s of layout.segments)
    for (let i = 0; i < s.size; i++) weights[s.offset + i] = uniform(-0.9, 0.9);
  // Gaps and gradients of the window before must not matter.
  plan.floats(rig.gradient, layout.length).fill(Number.NaN);
  for (const s of layout.segments) plan.floats(rig.gradient + 4 * (s.offset + s.size), -s.size & 15).fill(0);
  const separator = resets ? 1 : -1;
  // What attention remembers is empty at first.
  const recurrent = 2 * c.layers * batch * c.hidden;
  plan.floats(rig.state, recurrent).forEach((_, i, state) => {
    state[i] = uniform(-0.8, 0.8);
  });
  const masks = network.masks.map(({ address, size }) => {
    const mask = plan.floats(address, size);
    for (let i = 0; i < size; i++) mask[i] = random() < 0.3 ? 0 : 1 / 0.7;
    return mask;
  });
  const forward = new Worst();
  const gradients = new Worst();
  const seen: Int32Array[] = [];
  for (const steps of c.windows) {
    const draw = () =>
      Int32Array.from({ length: batch * sequence }, () => Math.floor(random() ** 2 * c.vocabulary));
    const [inputs, targets] = [draw(), draw()];
    const expected = reference(model, layout, Float64Array.from(weights), {
      inputs,
      targets,
      steps,
      batch,
      state: Float64Array.from(plan.floats(rig.state, network.stateSize)),
      masks: dropout ? masks.map((mask) => Float64Array.from(mask)) : undefined,
      separator,
    });
    seen.push(targets.subarray(0, steps * batch));
    const loss = rig.run(inputs, targets, steps, { separator });
    forward.add("loss", [loss], [expected.loss]);
    forward.add("nll", plan.floats(network.buffers.nll, steps * batch), expected.nll);
    forward.add("state", plan.floats(rig.state, network.stateSize), expected.state);
    const largest = Math.hypot(...layout.segments.map((s) => norm(expected.gradient, s.offset, s.size)));
    for (const s of layout.segments) {
      const of = expected.gradient.subarray(s.offset, s.offset + s.size);
      // A tensor that hardly matters is measured against all: its own rounding is that of the sums it came from.
      if (norm(of, 0, s.size) > 1e-3 * largest) gradients.add(s.name, rig.segment(rig.gradient, s.name), of);
      else {
        const found = rig.segment(rig.gradient, s.name);
        const difference = Math.hypot(...Array.from(found, (x, i) => x - of[i])) / largest;
        expect(difference, `${s.name} of ${JSON.stringify(c)}`).toBeLessThan(BOUND);
      }
    }
  }
  return { forward, gradients, targets: seen };
}

function norm(x: Float64Array, from: number, size: number): number {
  let sum = 0;
  for (let i = from; i < from + size; i++) sum += x[i] * x[i];
  return Math.sqrt(sum);
}
