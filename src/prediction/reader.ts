/** @module Reads many texts through weights that are packed once, and says how likely each of their tokens was. */
import { PREDICTION } from "../kernels/calls.ts";
import type { KernelExports } from "../kernels/generated/signatures.ts";
import { KernelInstance } from "../kernels/instance.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { MemoryPlan } from "../kernels/memory.ts";
import type { Seed } from "../kernels/random.ts";
import type { Posterior } from "../model/posterior.ts";
import type { Slices } from "../model/work.ts";
import { type Ensemble, type PredictionForm, planEnsemble } from "./ensemble.ts";
import type { BatchProducts } from "./products.ts";
import { RowEnsemble, type RowPlaces, rowsOf } from "./rowEnsemble.ts";
import { Trie, type Visit } from "./trie.ts";

const BYTES = 4;
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
  readonly products?: BatchProducts;
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
  const set = options.products?.set ?? PREDICTION;
  const plan = new MemoryPlan(new KernelInstance(set, options.kernels), options.memoryLimit);
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
  readonly #sharing: boolean;
  readonly #rows: RowEnsemble;
  /** The prediction after the context, where there is one: a row and its two entropies. */
  readonly #first: RowPlaces;
  #begins = false;

  constructor(
    plan: MemoryPlan,
    posterior: Posterior,
    samples: number,
    { sharing = true, products }: ReaderOptions,
  ) {
    this.#plan = plan;
    this.#sharing = sharing;
    this.#rows = new RowEnsemble(plan, posterior, samples, rowsOf(posterior, samples), products?.form);
    const probabilities = plan.words(this.#rows.stride + 2);
    const entropy = probabilities + this.#rows.stride * BYTES;
    this.#first = { probabilities, entropy, samplesEntropy: entropy + BYTES };
  }

  get kernels(): KernelExports {
    return this.#plan.instance.exports;
  }

  release(): void {
    this.#plan.instance.release();
  }

  *begin(seed: Seed, context: Int32Array): Slices {
    yield* this.#rows.begin(seed);
    const k = this.#plan.instance.exports;
    for (const [i, token] of context.entries()) {
      yield* this.#rows.step(Int32Array.of(token), Int32Array.of(i === 0 ? -1 : 0), 1, (_row, at) => {
        k.copyBytes(this.#first.probabilities, at.probabilities, this.#rows.stride * BYTES);
        k.copyBytes(this.#first.entropy, at.entropy, BYTES);
        k.copyBytes(this.#first.samplesEntropy, at.samplesEntropy, BYTES);
      });
      this.#rows.beginFrom(0);
      this.#begins = true;
    }
  }

  *read(texts: readonly Int32Array[], record: Record): Slices {
    const trie = new Trie(texts, this.#rows.rows, this.#sharing);
    const begin = this.#begins ? this.#visit(record, this.#first) : undefined;
    while (trie.step(begin))
      yield* this.#rows.step(trie.tokens, trie.parents, trie.count, (row, at) => {
        trie.follow(row, this.#visit(record, at));
      });
  }

  #visit(record: Record, at: RowPlaces): Visit {
    const { probabilities, entropy, mutualInformation } = this.#rows.figures(at);
    const { log64 } = this.#plan.instance.exports;
    return (from, to, position, token) => {
      const logProbability = log64(Math.max(probabilities[token], LEAST_PROBABILITY));
      record(from, to, position, { logProbability, entropy, mutualInformation });
    };
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

  begin(seed: Seed, context: Int32Array): Slices {
    this.#context = context;
    return this.#ensemble.begin(seed);
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
