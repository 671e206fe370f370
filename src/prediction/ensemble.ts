/**
 * @module What predicts: the mean, S independent posterior samples, or S samples of one perturbation (Flipout).
 * Each reads one token after the other and averages the probabilities of its samples.
 */
import { requireChoice, SviError } from "../errors.ts";
import { drawSegment } from "../inference/draw.ts";
import type { MemoryPlan } from "../kernels/memory.ts";
import { type Seed, STREAM } from "../kernels/random.ts";
import { FlipoutStepper } from "../model/flipout.ts";
import type { Segment } from "../model/layout.ts";
import type { Quantization } from "../model/matrix.ts";
import type { Posterior } from "../model/posterior.ts";
import { planScratch, Stepper, type StepScratch } from "../model/stepper.ts";
import { ready, type Slices } from "../model/work.ts";
import { type CacheOptions, requireCache } from "./cache.ts";
import { CachedEnsemble } from "./cachedEnsemble.ts";

/**
 * How samples are had: `independent` draws a set of weights for each; `flipout` shares one perturbation, with
 * random signs for each, so that they depend on each other but need the memory of two sets alone.
 */
export type Sampling = "independent" | "flipout";

/** The form of a prediction, as results repeat it. */
export interface PredictionForm {
  /** `independent` unless said otherwise. */
  readonly sampling?: Sampling;
  /** Weights of 8 bits, a scale a row; float32 unless said otherwise. */
  readonly quantized?: Quantization;
}

/** With a cache of what is read, where one is asked for. */
export interface CachedForm extends PredictionForm {
  /** Words that were read lately count for more: `true`, or how; without one unless asked for. */
  readonly cache?: boolean | CacheOptions;
}

export interface Ensemble {
  /** Address of the averaged probabilities, [stride], 0 past the vocabulary. */
  readonly probabilities: number;
  readonly stride: number;
  /** Draws and packs the weights, zeroes the state; later changes of the posterior are not seen. */
  begin(seed: Seed): Slices;
  /** Zeroes the state, for a text that begins. */
  reset(): void;
  /** Where the state lies, piece by piece; after writing there, `settle`. */
  readonly state: readonly Float32Array[];
  settle(): void;
  /** The last layer's part of the state, sample by sample. */
  readonly top: readonly Float32Array[];
  /** Reads a token; with `predict` also finds the probabilities of the next. @throws SviError `E_TOKEN_RANGE` */
  step(token: number, predict: boolean): Slices;
  /** Finds the probabilities of what comes after the state. */
  predict(): Slices;
  /** Whether the last prediction is a number, or NaN. */
  readonly check: number;
  /** Average entropy of the samples' predictions in nats, to tell what they disagree on; 0 for the mean. */
  readonly samplesEntropy: number;
}

/** Floats of kept first products, all samples together. */
const PROJECTION_FLOATS = 2 ** 20;
const LEAST_PROJECTIONS = 64;
/** Multiplications between two slices: half of the operations of model/work.ts. */
const SLICE_WORK = 5e7;

/** @throws SviError `E_OPTION` for a form that there is not */
export function requireForm(
  form: PredictionForm,
): Required<Pick<PredictionForm, "sampling">> & PredictionForm {
  const { quantized } = form;
  const sampling = requireChoice("sampling", form.sampling ?? "independent", ["independent", "flipout"]);
  if (quantized !== undefined) requireChoice("quantized", quantized, ["int8"]);
  if (quantized && sampling === "flipout")
    throw new SviError("E_OPTION", "Flipout has no 8-bit form", {
      value: quantized,
      remedy: "Leave one of them out: 8-bit samples are independent",
    });
  return { sampling, quantized };
}

/** Plans its memory; usable once the plan is committed and `begin` was called. */
export function planEnsemble(
  plan: MemoryPlan,
  posterior: Posterior,
  samples: number,
  form: CachedForm,
): Ensemble {
  const ensemble = planUncached(plan, posterior, samples, form);
  const cache = requireCache(form.cache);
  if (!cache) return ensemble;
  const { vocabulary } = posterior.configuration;
  return new CachedEnsemble(plan, ensemble, cache, { samples, vocabulary });
}

function planUncached(
  plan: MemoryPlan,
  posterior: Posterior,
  samples: number,
  form: PredictionForm,
): Ensemble {
  const { sampling, quantized } = requireForm(form);
  if (samples > 0 && sampling === "flipout" && posterior.configuration.softmax === "adaptive")
    throw new SviError("E_OPTION", "Flipout has no form for an adaptive softmax", {
      value: sampling,
      remedy: "Omit sampling: samples are independent then",
    });
  if (samples > 0 && sampling === "flipout") return new FlipoutEnsemble(plan, posterior, samples);
  return new Members(plan, posterior, samples, quantized);
}

/** Draws segments from the posterior, through room for the largest of them. */
class Draws {
  readonly #plan: MemoryPlan;
  readonly #posterior: Posterior;
  readonly #mean: number;
  readonly #precision: number;

  constructor(plan: MemoryPlan, posterior: Posterior, samples: number) {
    this.#plan = plan;
    this.#posterior = posterior;
    const largest = Math.max(...posterior.layout.segments.map((s) => s.size));
    this.#mean = samples > 0 ? plan.words(largest) : 0;
    this.#precision = samples > 0 ? plan.words(largest) : 0;
  }

  /** Writes the mean of a segment. */
  mean({ offset, size }: Segment, at: number): void {
    this.#plan.floats(at, size).set(this.#posterior.mean.subarray(offset, offset + size));
  }

  /** Writes a segment of a sample; where `centred`, of its difference from the mean. */
  sample(segment: Segment, at: number, sample: number, seed: Seed, centred = false): void {
    const { offset, size, bias } = segment;
    const mean = this.#plan.floats(this.#mean, size);
    if (centred) mean.fill(0);
    else this.mean(segment, this.#mean);
    if (!bias)
      this.#plan
        .floats(this.#precision, size)
        .set(this.#posterior.precision!.subarray(offset, offset + size));
    drawSegment(
      this.#plan.instance.exports,
      segment,
      { theta: at, mean: this.#mean, h: this.#precision, delta: 0, scale: 1 },
      { seed, step: sample, stream: STREAM.evaluate, particle: 0 },
    );
  }
}

/** The mean, or samples with weights and a state each. */
class Members implements Ensemble {
  readonly probabilities: number;
  readonly stride: number;
  check = 0;
  samplesEntropy = 0;
  readonly #plan: MemoryPlan;
  readonly #samples: number;
  readonly #members: readonly Stepper[];
  readonly #draws: Draws;
  readonly #scratch: StepScratch;
  /** Entropies added up over the samples. */
  readonly #entropy: number;
  #spent = 0;
  #state: readonly Float32Array[] | undefined;
  #top: readonly Float32Array[] | undefined;

  constructor(plan: MemoryPlan, posterior: Posterior, samples: number, quantized?: Quantization) {
    const { configuration, layout } = posterior;
    this.#plan = plan;
    this.#samples = samples;
    const count = Math.max(1, samples);
    const fitting = Math.floor(PROJECTION_FLOATS / (4 * configuration.hidden * count));
    const projections = Math.min(configuration.vocabulary, Math.max(LEAST_PROJECTIONS, fitting));
    this.#scratch = planScratch(plan, configuration, layout);
    this.#members = Array.from(
      { length: count },
      () => new Stepper(plan, configuration, layout, this.#scratch, { projections, quantized }),
    );
    this.#draws = new Draws(plan, posterior, samples);
    this.stride = this.#scratch.stride;
    this.probabilities = samples > 0 ? plan.words(this.stride) : this.#scratch.probabilities;
    this.#entropy = plan.words(1);
  }

  *begin(seed: Seed): Slices {
    for (const [sample, member] of this.#members.entries()) {
      member.pack((segment, at) => {
        if (this.#samples === 0) this.#draws.mean(segment, at);
        else this.#draws.sample(segment, at, sample, seed);
      });
      yield;
    }
  }

  reset(): void {
    for (const member of this.#members) member.reset();
  }

  /** Views of a memory that no longer grows. */
  get state(): readonly Float32Array[] {
    this.#state ??= this.#members
      .flatMap((member) => member.states)
      .map(([at, size]) => this.#plan.floats(at, size));
    return this.#state;
  }

  settle(): void {
    for (const member of this.#members) member.settle();
  }

  get top(): readonly Float32Array[] {
    const each = this.state.length / this.#members.length;
    this.#top ??= this.state.filter((_, i) => i % each === each - 1);
    return this.#top;
  }

  *step(token: number, predict: boolean): Slices {
    for (const member of this.#members) {
      member.read(token);
      if (this.#isSpent(member.work)) yield;
    }
    if (predict) yield* this.predict();
  }

  *predict(): Slices {
    for (const [sample, member] of this.#members.entries()) {
      member.predict();
      if (this.#samples > 0) this.#add(sample === 0);
      if (this.#isSpent(member.work)) yield;
    }
    this.check = this.#plan.floats(this.#scratch.nll, 1)[0];
    if (this.#samples === 0) return;
    this.#plan.instance.exports.axpby(
      this.probabilities,
      0,
      this.probabilities,
      1 / this.#samples,
      this.stride,
    );
    this.samplesEntropy = this.#plan.floats(this.#entropy, 1)[0] / this.#samples;
    this.check += this.samplesEntropy;
  }

  /** Whether a slice's work is done. */
  #isSpent(work: number): boolean {
    this.#spent += work / 2;
    if (this.#spent < SLICE_WORK) return false;
    this.#spent = 0;
    return true;
  }

  #add(first: boolean): void {
    const k = this.#plan.instance.exports;
    const { probabilities } = this.#scratch;
    k.addProbabilities(this.probabilities, probabilities, this.stride, Number(first));
    k.addEntropy(this.#entropy, probabilities, 1, this.stride, 1, Number(first));
  }
}

/** Samples that share the mean and one perturbation. */
class FlipoutEnsemble implements Ensemble {
  readonly probabilities: number;
  readonly stride: number;
  check = 0;
  samplesEntropy = 0;
  readonly #plan: MemoryPlan;
  readonly #samples: number;
  readonly #stepper: FlipoutStepper;
  readonly #draws: Draws;
  readonly #entropies: number;
  #state: readonly Float32Array[] | undefined;

  constructor(plan: MemoryPlan, posterior: Posterior, samples: number) {
    this.#plan = plan;
    this.#samples = samples;
    this.#stepper = new FlipoutStepper(plan, posterior.configuration, posterior.layout, samples);
    this.#draws = new Draws(plan, posterior, samples);
    this.stride = this.#stepper.stride;
    this.probabilities = plan.words(this.stride);
    this.#entropies = plan.words(samples);
  }

  *begin(seed: Seed): Slices {
    const k = this.#plan.instance.exports;
    this.#stepper.pack(
      (segment, at) => this.#draws.mean(segment, at),
      (segment, at) => this.#draws.sample(segment, at, 0, seed, true),
      (at, count, row) => {
        k.philoxWords(at, count, 0, seed.low, seed.high, row, STREAM.signs, 0);
        k.signArray(at, count);
      },
    );
    yield;
  }

  reset(): void {
    this.#stepper.reset();
  }

  get state(): readonly Float32Array[] {
    this.#state ??= this.#stepper.states.map(([at, size]) => this.#plan.floats(at, size));
    return this.#state;
  }

  settle(): void {}

  get top(): readonly Float32Array[] {
    return this.state.slice(-1);
  }

  *step(token: number, predict: boolean): Slices {
    this.#stepper.read(token);
    if (this.#stepper.work > SLICE_WORK) yield;
    if (predict) yield* this.predict();
  }

  /** One slice. */
  predict(): Slices {
    this.#stepper.predict();
    const k = this.#plan.instance.exports;
    const { probabilities, stride } = this.#stepper;
    for (let s = 0; s < this.#samples; s++)
      k.addProbabilities(this.probabilities, probabilities + 4 * s * stride, stride, Number(s === 0));
    k.axpby(this.probabilities, 0, this.probabilities, 1 / this.#samples, stride);
    k.addEntropy(this.#entropies, probabilities, this.#samples, stride, 1, 1);
    let sum = 0;
    for (const entropy of this.#plan.floats(this.#entropies, this.#samples)) sum += entropy;
    this.samplesEntropy = sum / this.#samples;
    this.check = this.samplesEntropy;
    return ready(undefined);
  }
}
