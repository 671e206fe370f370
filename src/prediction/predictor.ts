/** @module A model that reads tokens one after the other and says what comes next, with its uncertainty. */
import { drawNatural } from "../inference/draw.ts";
import { type Seed, STREAM } from "../inference/guide.ts";
import { KernelInstance } from "../kernels/instance.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { MemoryPlan } from "../kernels/memory.ts";
import { Network } from "../model/network.ts";
import type { Posterior } from "../model/posterior.ts";
import type { Slices } from "../model/work.ts";
import { requirePrediction, requireSamples } from "../training/evaluate.ts";

/** Tokens taken in at a time. */
const WINDOW = 32;

/** What is known of the next token; nats. */
export interface Prediction {
  /** Probabilities of all ids, [vocabulary]; a view that the next call overwrites. */
  readonly probabilities: Float32Array;
  readonly entropy: number;
  /** 0 for the mean alone. */
  readonly mutualInformation: number;
}

/** The mean, or S posterior samples with a network and a state each, whose probabilities are averaged. */
export class Predictor {
  readonly plan: MemoryPlan;
  readonly #posterior: Posterior;
  readonly #samples: number;
  readonly #members: readonly { readonly network: Network; readonly state: number; readonly theta: number }[];
  /** What samples are drawn from. */
  readonly #mean: number;
  readonly #precision: number;
  readonly #sum: number;
  readonly #entropy: number;
  readonly #stride: number;
  readonly #window = new Int32Array(WINDOW);

  /** Plans its memory; usable once `plan` is committed and `begin` was called. @throws SviError `E_OPTION` */
  constructor(
    posterior: Posterior,
    samples: number,
    { memoryLimit, kernels }: { readonly memoryLimit?: number; readonly kernels?: Kernels } = {},
  ) {
    requireSamples(posterior, samples);
    this.#posterior = posterior;
    this.#samples = samples;
    this.plan = new MemoryPlan(new KernelInstance(kernels), memoryLimit);
    const { configuration, layout } = posterior;
    this.#members = Array.from({ length: Math.max(1, samples) }, () => {
      const options = { batch: 1, sequence: WINDOW, training: false };
      const network = new Network(this.plan, configuration, layout, options);
      return { network, state: this.plan.words(network.stateSize), theta: this.plan.words(layout.length) };
    });
    this.#mean = samples > 0 ? this.plan.words(layout.length) : 0;
    this.#precision = samples > 0 ? this.plan.words(layout.length) : 0;
    this.#stride = this.#members[0].network.buffers.logitStride;
    this.#sum = this.plan.words(WINDOW * this.#stride);
    this.#entropy = this.plan.words(2 * WINDOW);
  }

  /** Ends the use of its kernels. */
  release(): void {
    this.plan.instance.release();
  }

  /** Draws and packs the weights; from then on changes of the posterior are not seen. */
  *begin(seed: Seed): Slices {
    for (const [sample, { network, theta, state }] of this.#members.entries()) {
      yield* this.#load(theta, sample, seed);
      yield* network.pack(theta);
      this.plan.floats(state, network.stateSize).fill(0);
    }
  }

  *#load(theta: number, sample: number, seed: Seed): Slices {
    const { layout } = this.#posterior;
    const flat = (address: number) => this.plan.floats(address, layout.length);
    if (this.#samples === 0) {
      yield* this.#posterior.read(flat(theta), null);
      return;
    }
    if (sample === 0) yield* this.#posterior.read(flat(this.#mean), flat(this.#precision));
    yield* drawNatural(
      this.plan.instance.exports,
      layout,
      { theta, mean: this.#mean, h: this.#precision, delta: 0, scale: 1 },
      { seed, step: sample, stream: STREAM.evaluate, particle: 0 },
    );
  }

  /**
   * Reads tokens and predicts what follows each of them.
   * @param visit gets each token's index and the prediction made after it
   * @throws SviError `E_TOKEN_RANGE`, `E_DIVERGED` (a prediction that is no number)
   */
  *read(tokens: Int32Array, visit: (index: number, prediction: Prediction) => void): Slices {
    for (let from = 0; from < tokens.length; from += WINDOW) {
      const part = tokens.subarray(from, from + WINDOW);
      this.#window.set(part);
      yield* this.#readWindow(part.length);
      this.#visitRows(from, part.length, visit);
    }
  }

  *#readWindow(steps: number): Slices {
    const k = this.plan.instance.exports;
    for (const [sample, { network, state, theta }] of this.#members.entries()) {
      // The targets only pick a likelihood that is not asked for here.
      network.setWindow(this.#window, this.#window, steps);
      yield* network.forward(theta, state);
      network.saveState(state);
      for (const chunk of network.probabilities(theta)) {
        if (!chunk) {
          yield;
          continue;
        }
        const { logits } = network.buffers;
        const sum = this.#sum + 4 * chunk.row * this.#stride;
        const entropy = this.#entropy + 4 * (WINDOW + chunk.row);
        k.addProbabilities(sum, logits, chunk.rows * this.#stride, Number(sample === 0));
        k.addEntropy(entropy, logits, chunk.rows, this.#stride, 1, Number(sample === 0));
      }
    }
    const weight = 1 / this.#members.length;
    k.axpby(this.#sum, 0, this.#sum, weight, steps * this.#stride);
    k.addEntropy(this.#entropy, this.#sum, steps, this.#stride, 1, 1);
  }

  #visitRows(from: number, steps: number, visit: (index: number, prediction: Prediction) => void): void {
    const entropy = this.plan.floats(this.#entropy, 2 * WINDOW);
    for (let t = 0; t < steps; t++) {
      requirePrediction(entropy[t]);
      const expected = entropy[WINDOW + t] / this.#members.length;
      visit(from + t, {
        probabilities: this.plan.floats(
          this.#sum + 4 * t * this.#stride,
          this.#posterior.configuration.vocabulary,
        ),
        entropy: entropy[t],
        mutualInformation: this.#samples > 0 ? entropy[t] - expected : 0,
      });
    }
  }
}
