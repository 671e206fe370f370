/** @module Reads many texts through weights that are packed once, and says how likely each of their tokens was. */

import { drawNatural } from "../inference/draw.ts";
import { PREDICTION } from "../kernels/calls.ts";
import type { KernelExports } from "../kernels/generated/signatures.ts";
import { KernelInstance } from "../kernels/instance.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { MemoryPlan } from "../kernels/memory.ts";
import { type Seed, STREAM } from "../kernels/random.ts";
import type { Posterior } from "../model/posterior.ts";
import { RowStepper } from "../model/rowStepper.ts";
import type { Slices } from "../model/work.ts";
import { type Ensemble, type PredictionForm, planEnsemble } from "./ensemble.ts";
import { Trie, type Visit } from "./trie.ts";

const BYTES = 4;
/** Rows of a step: enough for the products, few enough that their states stay near. */
const MOST_ROWS = 256;
const LEAST_ROWS = 16;
/** Floats of the samples' probabilities, added up, and of the states of all samples. */
const SUM_FLOATS = 2 ** 22;
const STATE_FLOATS = 2 ** 22;
/** The smallest normal number: below it the logarithm has nothing to take hold of. */
const LEAST_PROBABILITY = 1.1754944e-38;

/** Of a token, in nats, and the texts that have it: `from` … `to` − 1 of those given, at `position`. */
export type Record = (
  from: number,
  to: number,
  position: number,
  figures: { readonly logProbability: number; readonly entropy: number; readonly mutualInformation: number },
) => void;

export interface ReaderOptions extends PredictionForm {
  readonly memoryLimit?: number;
  readonly kernels?: Kernels;
  readonly sharing?: boolean;
}

export interface Reader {
  readonly kernels: KernelExports;
  /** Draws and packs the weights, and reads what stands before every text: nothing, or at least one token. */
  begin(seed: Seed, context: Int32Array): Slices;
  /**
   * @param texts sorted by `compareTokens`, none empty, of ids of the vocabulary; first tokens are predicted after a
   *   context alone
   */
  read(texts: readonly Int32Array[], record: Record): Slices;
  /** Ends the use of its kernels. */
  release(): void;
}

/** @throws SviError `E_OPTION`, `E_MEMORY` */
export function createReader(posterior: Posterior, samples: number, options: ReaderOptions): Reader {
  const plan = new MemoryPlan(new KernelInstance(PREDICTION, options.kernels), options.memoryLimit);
  const stepwise = options.quantized || (samples > 0 && options.sampling === "flipout");
  const reader = stepwise
    ? new TokenReader(plan, posterior, samples, options)
    : new RowReader(plan, posterior, samples, options);
  plan.commit();
  return reader;
}

/** In float32: the mean, or independent samples, many rows at a time. */
class RowReader implements Reader {
  readonly #plan: MemoryPlan;
  readonly #posterior: Posterior;
  readonly #samples: number;
  readonly #sharing: boolean;
  readonly #stepper: RowStepper;
  readonly #mean: number;
  readonly #precision: number;
  /** Probabilities added up over the samples, [rows, stride], or those of the mean's chunk. */
  readonly #sum: number;
  /** [rows]. */
  readonly #entropy: number;
  readonly #samplesEntropy: number;
  /** The prediction after the context, where there is one: a row and its two entropies. */
  readonly #first: number;
  #begins = false;

  constructor(plan: MemoryPlan, posterior: Posterior, samples: number, { sharing = true }: ReaderOptions) {
    const { configuration, layout } = posterior;
    const { vocabulary, hidden, layers, attention } = configuration;
    const sets = Math.max(1, samples);
    const fitting = Math.min(
      samples > 0 ? SUM_FLOATS / vocabulary : MOST_ROWS,
      STATE_FLOATS / ((2 * layers + (attention ? attention.span + 1 : 0)) * hidden * sets),
    );
    const rows = Math.max(LEAST_ROWS, Math.min(MOST_ROWS, Math.floor(fitting)));
    this.#plan = plan;
    this.#posterior = posterior;
    this.#samples = samples;
    this.#sharing = sharing;
    this.#stepper = new RowStepper(plan, configuration, layout, { rows, sets });
    this.#mean = samples > 0 ? plan.words(layout.length) : this.#stepper.theta(0);
    this.#precision = samples > 0 ? plan.words(layout.length) : 0;
    this.#sum = samples > 0 ? plan.words(rows * this.#stepper.stride) : this.#stepper.logits;
    this.#entropy = plan.words(rows);
    this.#samplesEntropy = plan.words(rows);
    this.#first = plan.words(this.#stepper.stride + 2);
  }

  get kernels(): KernelExports {
    return this.#plan.instance.exports;
  }

  release(): void {
    this.#plan.instance.release();
  }

  *begin(seed: Seed, context: Int32Array): Slices {
    const { layout } = this.#posterior;
    const flat = (at: number) => this.#plan.floats(at, layout.length);
    yield* this.#posterior.read(flat(this.#mean), this.#samples > 0 ? flat(this.#precision) : null);
    if (this.#samples === 0) this.#stepper.pack(0);
    for (let sample = 0; sample < this.#samples; sample++) {
      const theta = this.#stepper.theta(sample);
      yield* drawNatural(
        this.#plan.instance.exports,
        layout,
        { theta, mean: this.#mean, h: this.#precision, delta: 0, scale: 1 },
        { seed, step: sample, stream: STREAM.evaluate, particle: 0 },
      );
      this.#stepper.pack(sample);
      yield* this.#stepper.tape.run();
    }
    yield* this.#stepper.tape.run();
    for (let i = 0; i < context.length; i++) yield* this.#readContext(context[i], i);
  }

  *#readContext(token: number, position: number): Slices {
    this.#stepper.setRows(Int32Array.of(token), Int32Array.of(position === 0 ? -1 : 0), 1);
    const { stride } = this.#stepper;
    const k = this.#plan.instance.exports;
    yield* this.#step(() => {
      k.copyBytes(this.#first, this.#sum, stride * BYTES);
      k.copyBytes(this.#first + stride * BYTES, this.#entropy, BYTES);
      k.copyBytes(this.#first + (stride + 1) * BYTES, this.#samplesEntropy, BYTES);
    });
    this.#stepper.beginFrom(0);
    this.#begins = true;
  }

  *read(texts: readonly Int32Array[], record: Record): Slices {
    const trie = new Trie(texts, this.#stepper.rows, this.#sharing);
    const { stride } = this.#stepper;
    const first = this.#first;
    const begin: Visit | undefined = this.#begins
      ? this.#visit(record, first, first + stride * BYTES, first + (stride + 1) * BYTES)
      : undefined;
    while (trie.step(begin)) {
      this.#stepper.setRows(trie.tokens, trie.parents, trie.count);
      yield* this.#step((row, chunkRow) => {
        const entropies = [this.#entropy, this.#samplesEntropy].map((at) => at + row * BYTES);
        const at = this.#sum + chunkRow * stride * BYTES;
        trie.follow(row, this.#visit(record, at, entropies[0], entropies[1]));
      });
    }
  }

  #visit(record: Record, at: number, entropyAt: number, samplesEntropyAt: number): Visit {
    const probabilities = this.#plan.floats(at, this.#posterior.configuration.vocabulary);
    const [entropy] = this.#plan.floats(entropyAt, 1);
    const mutualInformation =
      this.#samples > 0 ? entropy - this.#plan.floats(samplesEntropyAt, 1)[0] / this.#samples : 0;
    const { log64 } = this.#plan.instance.exports;
    return (from, to, position, token) => {
      const logProbability = log64(Math.max(probabilities[token], LEAST_PROBABILITY));
      record(from, to, position, { logProbability, entropy, mutualInformation });
    };
  }

  /** Reads the rows that are set. @param visit gets each, and its place in `sum`, once its figures are there */
  *#step(visit: (row: number, place: number) => void): Slices {
    const k = this.#plan.instance.exports;
    const { stride, logits } = this.#stepper;
    let count = 0;
    for (let set = 0; set < Math.max(1, this.#samples); set++) {
      this.#stepper.read(set);
      this.#stepper.probabilities(set, ({ row, rows }) => {
        count = row + rows;
        if (this.#samples === 0) {
          k.addEntropy(this.#entropy + row * BYTES, logits, rows, stride, 1, 1);
          for (let i = 0; i < rows; i++) visit(row + i, i);
          return;
        }
        const first = Number(set === 0);
        k.addProbabilities(this.#sum + row * stride * BYTES, logits, rows * stride, first);
        k.addEntropy(this.#samplesEntropy + row * BYTES, logits, rows, stride, 1, first);
      });
      yield* this.#stepper.tape.run();
    }
    if (this.#samples === 0) return;
    k.axpby(this.#sum, 0, this.#sum, 1 / this.#samples, count * stride);
    k.addEntropy(this.#entropy, this.#sum, count, stride, 1, 1);
    for (let row = 0; row < count; row++) visit(row, row);
  }
}

/** In the forms that read a token at a time: 8 bits, and Flipout. */
class TokenReader implements Reader {
  readonly #plan: MemoryPlan;
  readonly #vocabulary: number;
  readonly #samples: number;
  readonly #ensemble: Ensemble;
  readonly #entropy: number;
  #context: Int32Array = new Int32Array();

  constructor(plan: MemoryPlan, posterior: Posterior, samples: number, options: ReaderOptions) {
    this.#plan = plan;
    this.#vocabulary = posterior.configuration.vocabulary;
    this.#samples = samples;
    this.#ensemble = planEnsemble(plan, posterior, samples, options);
    this.#entropy = plan.words(1);
  }

  get kernels(): KernelExports {
    return this.#plan.instance.exports;
  }

  release(): void {
    this.#plan.instance.release();
  }

  *begin(seed: Seed, context: Int32Array): Slices {
    this.#context = context;
    yield* this.#ensemble.begin(seed);
  }

  *read(texts: readonly Int32Array[], record: Record): Slices {
    for (const [i, text] of texts.entries()) {
      this.#ensemble.reset();
      for (let at = -this.#context.length; at < text.length - 1; at++) {
        const token = at < 0 ? this.#context[this.#context.length + at] : text[at];
        yield* this.#ensemble.step(token, at >= -1);
        if (at >= -1) record(i, i + 1, at + 1, this.#figures(text[at + 1]));
      }
    }
  }

  #figures(token: number) {
    const k = this.#plan.instance.exports;
    const { probabilities, stride, samplesEntropy, check } = this.#ensemble;
    k.addEntropy(this.#entropy, probabilities, 1, stride, 1, 1);
    const [entropy] = this.#plan.floats(this.#entropy, 1);
    const probability = this.#plan.floats(probabilities, this.#vocabulary)[token];
    return {
      logProbability: Number.isFinite(check) ? k.log64(Math.max(probability, LEAST_PROBABILITY)) : Number.NaN,
      entropy,
      mutualInformation: this.#samples > 0 ? entropy - samplesEntropy : 0,
    };
  }
}
