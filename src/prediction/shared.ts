/** @module Weights packed once for all sessions of a model, which take turns with their states. */

import { SviError } from "../errors.ts";
import { PREDICTION } from "../kernels/calls.ts";
import { KernelInstance } from "../kernels/instance.ts";
import { defaultKernels, type Kernels, prepareKernels } from "../kernels/kernels.ts";
import { MemoryPlan } from "../kernels/memory.ts";
import { type Seed, seedOf } from "../kernels/random.ts";
import { drive } from "../kernels/slices.ts";
import type { Posterior } from "../model/posterior.ts";
import type { Slices } from "../model/work.ts";
import { TokenHash } from "../text/hash.ts";
import type { Cache } from "./cache.ts";
import { type Ensemble, type PredictionForm, planEnsemble } from "./ensemble.ts";
import { requirePrediction } from "./model.ts";

/** What decides the weights that sessions read with. */
export interface SessionForm extends PredictionForm {
  readonly samples: number;
  readonly seed: number;
}

/** Packed weights by form; those of a posterior that has changed since are forgotten. */
const shared = new WeakMap<Posterior, Map<string, Promise<SharedPredictor>>>();
const kernelNumbers = new WeakMap<Kernels, number>();
let kernelCount = 0;
const fingerprints = new WeakMap<Posterior, { readonly version: number; readonly hash: string }>();

/** A hash of mean and precision, 16 hexadecimal digits: quick, and not for malice. */
export function fingerprintOf(posterior: Posterior): string {
  const { version } = posterior;
  const known = fingerprints.get(posterior);
  if (known?.version === version) return known.hash;
  const hash = new TokenHash();
  for (const flat of [posterior.mean, posterior.precision])
    if (flat)
      for (const { offset, size } of posterior.layout.segments)
        hash.update(new Int32Array(flat.buffer, flat.byteOffset + 4 * offset, size));
  const found = { version, hash: hash.hex() };
  fingerprints.set(posterior, found);
  return found.hash;
}

export class SharedPredictor {
  readonly samples: number;
  /** Of the weights that are packed. */
  readonly fingerprint: string;
  readonly stateSize: number;
  /** Probabilities of the last prediction, [vocabulary]: a view. */
  readonly probabilities: Float32Array;
  /** Whose state is loaded; nobody's after another use. */
  owner: object | null = null;
  readonly #seed: Seed;
  readonly #plan: MemoryPlan;
  readonly #ensemble: Ensemble;
  readonly #entropyAt: number;
  readonly #entropy: Float32Array;
  #predicted = false;
  /** What the samples disagree on, where a cache was mixed in after that was found. */
  #information: number | null = null;

  private constructor(plan: MemoryPlan, ensemble: Ensemble, posterior: Posterior, form: SessionForm) {
    this.#plan = plan;
    this.#ensemble = ensemble;
    this.samples = form.samples;
    this.#seed = seedOf(form.seed);
    this.fingerprint = fingerprintOf(posterior);
    this.#entropyAt = plan.words(1);
    plan.commit();
    this.#entropy = plan.floats(this.#entropyAt, 1);
    this.probabilities = plan.floats(ensemble.probabilities, posterior.configuration.vocabulary);
    this.stateSize = ensemble.state.reduce((sum, { length }) => sum + length, 0);
  }

  /** The packed weights of a form, made once for all that ask. @throws SviError `E_OPTION`, `E_MEMORY` */
  static open(
    posterior: Posterior,
    form: SessionForm,
    { kernels = defaultKernels(), memoryLimit }: { kernels?: Kernels; memoryLimit?: number },
  ): Promise<SharedPredictor> {
    if (!kernelNumbers.has(kernels)) kernelNumbers.set(kernels, kernelCount++);
    const version = `${posterior.version}:`;
    const { samples, seed, sampling, quantized } = form;
    const key = version + [samples, seed, sampling, quantized, kernelNumbers.get(kernels)].join();
    const known = shared.get(posterior) ?? new Map<string, Promise<SharedPredictor>>();
    shared.set(posterior, known);
    for (const old of known.keys()) if (!old.startsWith(version)) known.delete(old);
    let found = known.get(key);
    if (!found) {
      found = SharedPredictor.#create(posterior, form, kernels, memoryLimit);
      known.set(key, found);
      found.catch(() => known.delete(key));
    }
    return found;
  }

  static async #create(posterior: Posterior, form: SessionForm, kernels: Kernels, memoryLimit?: number) {
    await prepareKernels(PREDICTION, kernels);
    const plan = new MemoryPlan(new KernelInstance(PREDICTION, kernels), memoryLimit);
    const ensemble = planEnsemble(plan, posterior, form.samples, form);
    const predictor = new SharedPredictor(plan, ensemble, posterior, form);
    await drive(ensemble.begin(predictor.#seed));
    return predictor;
  }

  /** Packs the weights of the posterior as they are now, at once: nobody reads with half of them. */
  repack(): void {
    finished(this.#ensemble.begin(this.#seed));
    this.owner = null;
    this.#predicted = false;
  }

  load(state: Float32Array): void {
    this.#predicted = false;
    let at = 0;
    for (const piece of this.#ensemble.state) {
      piece.set(state.subarray(at, at + piece.length));
      at += piece.length;
    }
    this.#ensemble.settle();
  }

  save(state: Float32Array): void {
    let at = 0;
    for (const piece of this.#ensemble.state) {
      state.set(piece, at);
      at += piece.length;
    }
  }

  /** Reads a token into the loaded state. @returns whether that was a slice's work. @throws `E_TOKEN_RANGE` */
  read(token: number): boolean {
    this.#predicted = false;
    return finished(this.#ensemble.step(token, false));
  }

  /** The last layer's part of the loaded state, sample by sample: views. */
  get top(): readonly Float32Array[] {
    return this.#ensemble.top;
  }

  /** Floats of `top`. */
  get topSize(): number {
    return this.top.reduce((sum, { length }) => sum + length, 0);
  }

  /** Finds `probabilities` of what follows the loaded state, once, with the owner's cache. @throws SviError `E_DIVERGED` */
  predict(cache: Cache | null = null): void {
    if (this.#predicted) return;
    this.#information = null;
    finished(this.#ensemble.predict());
    requirePrediction(this.#ensemble.check);
    this.#predicted = true;
    this.#information = cache && this.mutualInformation(this.entropy());
    cache?.mix(this.probabilities, this.top, this.samples, this.#plan.instance.exports);
  }

  /** Of the last prediction, in nats. */
  entropy(): number {
    const { probabilities, stride } = this.#ensemble;
    this.#plan.instance.exports.addEntropy(this.#entropyAt, probabilities, 1, stride, 1, 1);
    return this.#entropy[0];
  }

  /** What the samples disagree on, which a cache changes nothing of; 0 for the mean alone. */
  mutualInformation(entropy: number): number {
    return this.#information ?? (this.samples > 0 ? entropy - this.#ensemble.samplesEntropy : 0);
  }
}

/** Does all of the work at once. @returns whether there was a place to stop in */
function finished(work: Slices): boolean {
  let paused = false;
  while (!work.next().done) paused = true;
  return paused;
}

/** @throws SviError `E_DISPOSED` */
export function disposedSession(): SviError {
  return new SviError("E_DISPOSED", "The session has been disposed", { remedy: "Open another one" });
}
