/** @module First values of the weights, all from the seed. */
import type { KernelInstance } from "../kernels/instance.ts";
import { MemoryPlan } from "../kernels/memory.ts";
import { type Seed, STREAM } from "../kernels/random.ts";
import type { ModelConfiguration } from "./configuration.ts";
import type { Layout } from "./layout.ts";

/**
 * PyTorch's initialisation: N(0, 1) embeddings where untied, U(-1/√hidden, 1/√hidden) for LSTM and output layer, in
 * a tail by the width of what the matrix reads; a tied embedding is the output's. The forget gate's bias (b_ih's
 * part) is 1 (Jozefowicz et al. 2015).
 *
 * @returns the flat vector, [layout.length], padding zero
 */
export function initialWeights(
  instance: KernelInstance,
  model: ModelConfiguration,
  layout: Layout,
  seed: Seed,
): Float32Array {
  const plan = new MemoryPlan(instance);
  const at = plan.words(layout.length);
  plan.commit();
  const k = instance.exports;
  const weights = new Float32Array(layout.length);
  for (const s of layout.segments) {
    const normal = s.name === "embedding.weight" && !model.tied;
    const bound = Math.fround(1 / Math.sqrt(s.name.startsWith("output.tail.") ? s.shape[1] : model.hidden));
    const fill = normal ? k.normalArray : k.uniformArray;
    fill(at, s.size, s.offset, seed.low, seed.high, 0, STREAM.initialise, 0);
    const drawn = plan.floats(at, s.size);
    for (let i = 0; i < s.size; i++) weights[s.offset + i] = normal ? drawn[i] : bound * (2 * drawn[i] - 1);
    if (s.name.startsWith("lstm.bias_ih"))
      weights.fill(1, s.offset + model.hidden, s.offset + 2 * model.hidden);
    if (s.name.startsWith("lstm.bias_hh"))
      weights.fill(0, s.offset + model.hidden, s.offset + 2 * model.hidden);
  }
  return weights;
}
