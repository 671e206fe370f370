/** @module First values of the weights, all from the seed. */
import type { KernelInstance } from "../kernels/instance.ts";
import { MemoryPlan } from "../kernels/memory.ts";
import { type Seed, STREAM } from "../kernels/random.ts";
import type { Layout } from "./layout.ts";

/**
 * PyTorch's initialisation: N(0, 1) embeddings where untied, U(-1/√hidden, 1/√hidden) for LSTM and output layer, in
 * a tail by the width of what the matrix reads; a tied embedding is the output's. The forget gate's bias (b_ih's
 * part) is 1 (Jozefowicz et al. 2015).
 *
 * @returns the flat vector, [layout.length], padding zero
 */
export function initialWeights(instance: KernelInstance, layout: Layout, seed: Seed): Float32Array {
  const plan = new MemoryPlan(instance);
  const at = plan.words(layout.length);
  plan.commit();
  const k = instance.exports;
  const weights = new Float32Array(layout.length);
  for (const { init, size, offset } of layout.segments) {
    const draw = init.kind === "normal" ? k.normalArray : k.uniformArray;
    draw(at, size, offset, seed.low, seed.high, 0, STREAM.initialise, 0);
    const drawn = plan.floats(at, size);
    if (init.kind === "normal") {
      weights.set(drawn, offset);
      continue;
    }
    const bound = Math.fround(1 / Math.sqrt(init.width));
    for (let i = 0; i < size; i++) weights[offset + i] = bound * (2 * drawn[i] - 1);
    if (init.fill) weights.fill(init.fill.value, offset + init.fill.from, offset + init.fill.to);
  }
  return weights;
}
