/** @module An ensemble whose predictions a cache of what it read is mixed into. */
import type { MemoryPlan } from "../kernels/memory.ts";
import type { Seed } from "../kernels/random.ts";
import type { Slices } from "../model/work.ts";
import { Cache, type CacheForm } from "./cache.ts";
import type { Ensemble } from "./ensemble.ts";

export class CachedEnsemble implements Ensemble {
  readonly probabilities: number;
  readonly stride: number;
  samplesEntropy = 0;
  readonly #plan: MemoryPlan;
  readonly #inner: Ensemble;
  readonly #form: CacheForm;
  readonly #samples: number;
  readonly #vocabulary: number;
  readonly #entropy: number;
  #cache: Cache | undefined;
  #fresh = true;

  constructor(
    plan: MemoryPlan,
    inner: Ensemble,
    form: CacheForm,
    { samples, vocabulary }: { readonly samples: number; readonly vocabulary: number },
  ) {
    this.#plan = plan;
    this.#inner = inner;
    this.#form = form;
    this.#samples = samples;
    this.#vocabulary = vocabulary;
    this.probabilities = inner.probabilities;
    this.stride = inner.stride;
    this.#entropy = plan.words(1);
  }

  get check(): number {
    return this.#inner.check;
  }

  get state(): readonly Float32Array[] {
    return this.#inner.state;
  }

  get top(): readonly Float32Array[] {
    return this.#inner.top;
  }

  settle(): void {
    this.#inner.settle();
  }

  begin(seed: Seed): Slices {
    this.#clear();
    return this.#inner.begin(seed);
  }

  reset(): void {
    this.#inner.reset();
    this.#clear();
  }

  #clear(): void {
    const width = this.top.reduce((sum, { length }) => sum + length, 0);
    this.#cache ??= new Cache(this.#form, width);
    this.#cache.clear();
    this.#fresh = true;
  }

  *step(token: number, predict: boolean): Slices {
    const known = Number.isInteger(token) && token >= 0 && token < this.#vocabulary;
    // What is not a token is for the ensemble to refuse.
    if (known && !this.#fresh) this.#cache!.push(this.top, token);
    yield* this.#inner.step(token, false);
    this.#fresh = false;
    if (predict) yield* this.predict();
  }

  *predict(): Slices {
    yield* this.#inner.predict();
    const k = this.#plan.instance.exports;
    const own = this.#samples > 0 ? this.#entropyNow() - this.#inner.samplesEntropy : 0;
    this.#cache!.mix(this.#plan.floats(this.probabilities, this.#vocabulary), this.top, this.#samples, k);
    // Mutual information stays that of the samples: all of them have the same cache.
    if (this.#samples > 0) this.samplesEntropy = this.#entropyNow() - own;
  }

  #entropyNow(): number {
    this.#plan.instance.exports.addEntropy(this.#entropy, this.probabilities, 1, this.stride, 1, 1);
    return this.#plan.floats(this.#entropy, 1)[0];
  }
}
