/** @module One run's own kernels, network and guide, and the walk of a minibatch through them. */

import { SviError } from "../errors.ts";
import type { Guide, Position, Update } from "../inference/guide.ts";
import { highestRate } from "../inference/ivon/rate.ts";
import { guideOf, type Method } from "../inference/methods.ts";
import { State } from "../inference/state.ts";
import type { ProductForm } from "../kernels/forms.ts";
import { KernelInstance } from "../kernels/instance.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { MemoryPlan } from "../kernels/memory.ts";
import { type Seed, STREAM } from "../kernels/random.ts";
import { Tape } from "../kernels/tape.ts";
import { TRAINING } from "../kernels/training.ts";
import type { SourceRanges } from "../model/layers/layer.ts";
import { Network } from "../model/network.ts";
import type { Posterior } from "../model/posterior.ts";
import { finish, PART, ready, type Slices, Work } from "../model/work.ts";
import { type Schedule, scheduleFactor } from "./schedule.ts";

/** Operations that take as long as one element of a pass over a flat vector. */
const PASS = 60;
/** A loss of so many times that of guessing among all tokens is no longer learning. */
const WORST_LOSS = 100;

export interface TrainerOptions {
  readonly method: Method;
  readonly batch: number;
  readonly sequence: number;
  /** Scored tokens of a window, on average; all where it is null or not given. */
  readonly scored?: number | null;
  readonly steps: number;
  readonly lambda: number;
  readonly seed: Seed;
  readonly schedule: Schedule;
  readonly dropout: number;
  /** Id that starts a document, or -1. */
  readonly separator: number;
  /** Last part of the run over which the mean is averaged; 0 for none. */
  readonly averaging: number;
  /** A moving average of all steps in its place. */
  readonly average?: { readonly decay: number };
  /** `float32` by default. */
  readonly products?: ProductForm;
  readonly memoryLimit?: number;
  readonly kernels?: Kernels;
}

/** A loss and its gradient at the weights of a step, not yet followed. */
export interface Gradient {
  readonly position: Position;
  /** Nats a token; may be NaN. */
  readonly nll: number;
}

/** Figures of one step, before it is put into a record. */
export interface StepFigures extends Update {
  /** Mean negative log-likelihood of the minibatch, nats a token. */
  readonly nll: number;
  readonly learningRate: number;
  readonly klWeight: number;
  readonly noise: number;
}

export class Trainer {
  readonly guide: Guide;
  readonly options: TrainerOptions;
  readonly #posterior: Posterior;
  /** Step size at its highest. */
  readonly #rate: number;
  readonly #plan: MemoryPlan;
  readonly #tape: Tape;
  readonly #network: Network;
  /** What resuming needs besides the guide's. */
  readonly #state: State;
  /** Address of the carried state of all layers. */
  readonly #carried: number;
  readonly #average: number;
  readonly #precision: Float32Array;
  readonly #work = new Work();
  /** Whether the guide has the posterior's weights, or those of a checkpoint. */
  #started = false;
  /** An update under way; whoever needs the weights finishes it first. */
  #updating: Slices | null = null;
  /** Step whose weights the posterior has. */
  #published = 0;
  /** Mean, precision and lambda that a run falls back to when it diverges. */
  #kept: { mean: Float32Array; precision: Float32Array | null; lambda: number | null } | null = null;
  /** Tokens of the last minibatch. */
  #tokens = 0;
  readonly #step: number[];
  /** Means that the average is of. */
  readonly #averaged: number[];
  /** decay^t of a moving average, by multiplication: powers of the engine's own differ between engines. */
  readonly #power: number[];

  /** @throws SviError `E_MEMORY` where the run would need more than the limit */
  constructor(posterior: Posterior, options: TrainerOptions) {
    this.options = options;
    this.#posterior = posterior;
    const { configuration, layout } = posterior;
    const { batch, sequence, method, seed, steps, lambda } = options;
    this.#rate = highestRate(options);
    this.#plan = new MemoryPlan(new KernelInstance(TRAINING, options.kernels), options.memoryLimit);
    this.#tape = new Tape(this.#plan.instance);
    this.#network = new Network(this.#tape, this.#plan, configuration, layout, {
      batch,
      sequence,
      training: true,
      dropout: options.dropout > 0,
      resets: options.separator >= 0,
      products: options.products,
    });
    this.guide = guideOf({ plan: this.#plan, layout, seed, steps, lambda }, method);
    this.#state = new State(this.#plan);
    this.#carried = this.#state.array("state", this.#network.stateSize);
    const averages = options.averaging > 0 || options.average !== undefined;
    this.#average = averages ? this.#state.array("average", layout.length) : 0;
    this.#step = this.#state.numbers("step", [0]);
    this.#averaged = this.#state.numbers("averaged", [0]);
    this.#power = options.average ? this.#state.numbers("averagePower", [1]) : [1];
    this.#plan.commit();
    this.#precision = new Float32Array(layout.length);
  }

  /** Updates made so far. */
  get step(): number {
    return this.#step[0];
  }

  /** As if so many had been made: measurements begin where a run is in full swing. */
  set step(count: number) {
    this.#step[0] = count;
  }

  /** Bytes of wasm memory that the run occupies. */
  get bytes(): number {
    return this.#plan.bytes;
  }

  /** Ends the run's use of its kernels. */
  release(): void {
    this.#plan.instance.release();
  }

  /** View of the carried state of all lanes, until the next step: what a run that continues elsewhere takes along. */
  get carried(): Float32Array {
    return this.#plan.floats(this.#carried, this.#network.stateSize);
  }

  /** Forgets the carried state, as at the beginning of a pass. */
  resetState(): void {
    this.carried.fill(0);
  }

  /**
   * Loss and gradient of one minibatch. Changes no weights: it may be made ahead and dropped.
   * @param sources what rows attend to, where there is something
   * @throws SviError `E_TOKEN_RANGE`
   */
  *differentiate(
    inputs: Int32Array,
    targets: Int32Array,
    time: number,
    sources: SourceRanges | null = null,
  ): Slices<Gradient> {
    const { schedule, steps } = this.options;
    const { guide } = this;
    const k = this.#plan.instance.exports;
    if (!this.#started) yield* guide.start(this.#posterior.mean, this.#posterior.precision);
    this.#started = true;
    const learningRate = this.#rate * scheduleFactor(schedule, this.step, steps, k);
    this.#network.setWindow(inputs, targets, time, this.options.separator, sources);
    const position = { step: this.step, learningRate, tokens: this.#network.scored };
    let total = 0;
    for (let particle = 0; particle < guide.particles; particle++) {
      yield* guide.draw(position, particle, this.#network.embeddings);
      this.#drawMasks(particle);
      this.#network.pack(guide.theta);
      this.#network.forward(guide.theta, this.#carried);
      this.#network.loss(guide.theta, guide.gradient, (nll) => {
        total += nll;
      });
      this.#network.backward(guide.gradient);
      yield* this.#tape.run();
      yield* guide.gather(position, particle);
    }
    return { position, nll: total / (position.tokens * guide.particles) };
  }

  /**
   * The update by a gradient; none where the loss is not finite, or beyond anything that is learning.
   * @param keep whether the weights before it, which this loss proves good, are to be fallen back to
   * @throws SviError `E_DIVERGED`
   */
  *update({ position, nll }: Gradient, keep: boolean): Slices<StepFigures> {
    const { guide } = this;
    if (!(nll < this.#worstLoss)) throw diverged("loss", nll, this.step);
    if (keep) yield* this.#keep();
    let update!: Update;
    const updating = this.#move(position, (made) => {
      update = made;
    });
    this.#updating = updating;
    yield* updating;
    if (!Number.isFinite(update.gradientNorm)) throw diverged("gradient", update.gradientNorm, position.step);
    return {
      nll,
      learningRate: position.learningRate,
      klWeight: guide.klWeight(position),
      noise: guide.noise(position),
      ...update,
    };
  }

  *#move(position: Position, done: (update: Update) => void): Slices {
    try {
      const update = yield* this.guide.update(position);
      done(update);
      this.#network.saveState(this.#carried);
      yield* this.#tape.run();
      this.#tokens = position.tokens;
      this.#step[0]++;
      yield* this.#followAverage();
    } finally {
      this.#updating = null;
    }
  }

  /** One mask a lane for the whole window (Gal and Ghahramani 2016). */
  #drawMasks(particle: number): void {
    const { dropout, seed } = this.options;
    let element = 0;
    for (const { address, size } of this.#network.masks) {
      this.#tape.k.dropoutMask({
        out: address,
        n: size,
        firstElement: element,
        keep: 1 - dropout,
        seedLow: seed.low,
        seedHigh: seed.high,
        step: this.step,
        stream: STREAM.dropout,
        particle,
      });
      element += Math.ceil(size / 16) * 16;
    }
  }

  #followAverage(): Slices {
    const { averaging, average, steps } = this.options;
    if (!this.#average || (!average && this.step <= steps * (1 - averaging))) return ready(undefined);
    this.#averaged[0]++;
    const weight = average ? this.#newest(average.decay) : 1 / this.#averaged[0];
    const { length } = this.#posterior.layout;
    return this.#parts(length, (from, size) => {
      const k = this.#plan.instance.exports;
      k.averageInto(this.#average + 4 * from, this.guide.mean + 4 * from, size, weight);
    });
  }

  /**
   * Share of the newest weights in a moving average, (1 − d)/(1 − dᵗ): what is left of Kingma and Ba's correction of
   * the bias towards the zeros that an average starts from, where it is made step by step.
   */
  #newest(decay: number): number {
    this.#power[0] *= decay;
    return (1 - decay) / (1 - this.#power[0]);
  }

  /** Saturated units hide a divergence from infinities: the loss is finite then, and absurd. */
  get #worstLoss(): number {
    return WORST_LOSS * this.#plan.instance.exports.log64(this.#posterior.configuration.vocabulary);
  }

  /** Whether the last update left weights that a loss can be computed with. */
  *finite(): Slices<boolean> {
    let finite = true;
    yield* this.#parts(this.#posterior.layout.length, (from, size) => {
      finite &&= this.#plan.instance.exports.isFiniteArray(this.guide.mean + 4 * from, size) === 1;
    });
    return finite;
  }

  /** A pass over a flat vector. */
  #parts(length: number, visit: (from: number, size: number) => void): Slices {
    return this.#work.parts(length, PART, PASS, visit);
  }

  /**
   * Computes a loss with the weights after the last update, on its own minibatch: they are about to be written over
   * ones that are known to be good. Changes nothing that a later step reads.
   * @throws SviError `E_DIVERGED`
   */
  *prove(): Slices {
    const { mean } = this.guide;
    if (!(yield* this.finite()))
      throw diverged("largest weight after the update", Number.POSITIVE_INFINITY, this.step - 1);
    this.#network.pack(mean);
    this.#network.forward(mean, this.#carried);
    this.#network.loss(mean, 0, (total) => {
      const nll = total / this.#tokens;
      if (!(nll < this.#worstLoss)) throw diverged("loss after the update", nll, this.step - 1);
    });
    yield* this.#tape.run();
  }

  /** Remembers the weights as they are now as those to fall back to. */
  *#keep(): Slices {
    yield* this.publish();
    const { precision, lambda, layout } = this.#posterior;
    const { length } = layout;
    this.#kept ??= { mean: new Float32Array(length), precision: null, lambda: null };
    const kept = this.#kept;
    kept.lambda = lambda;
    kept.precision = precision && (kept.precision ?? new Float32Array(length));
    yield* this.#posterior.read(kept.mean, kept.precision);
  }

  /** Gives the posterior back what was kept last, whatever of this run has been published since. */
  fallBack(): Slices {
    if (!this.#kept) return ready(undefined);
    const { mean, precision, lambda } = this.#kept;
    this.#published = this.step;
    return this.#posterior.assign(mean, precision, lambda);
  }

  /**
   * Hands mean and precision as of the last update to the posterior, once there are any of this run's. To be
   * driven to its end before the next update.
   */
  *publish(): Slices {
    if (this.#updating) finish(this.#updating);
    if (this.step === this.#published) return;
    const { length } = this.#posterior.layout;
    const mean = this.#plan.floats(this.#averaged[0] > 0 ? this.#average : this.guide.mean, length);
    const known = yield* this.guide.precision(this.#precision);
    yield* this.#posterior.assign(mean, known ? this.#precision : null, known ? this.options.lambda : null);
    this.#published = this.step;
  }

  /** Arrays (views, until the next update) and numbers that a resumed run needs, besides the posterior. */
  saved(): { arrays: Map<string, Float32Array>; scalars: Record<string, number[]> } {
    const states = [this.guide.state, this.#state];
    return {
      arrays: new Map(states.flatMap((state) => state.arrays())),
      scalars: Object.fromEntries(states.flatMap((state) => state.lists())),
    };
  }

  /** @throws SviError `E_CHECKPOINT` where an array or a number is missing, or not one that a run can have */
  restore(arrays: ReadonlyMap<string, Float32Array>, scalars: Record<string, number[]>): void {
    // Before anything is taken: what is spoilt must not be published.
    for (const name of ["step", "averaged"]) {
      const count = Object.hasOwn(scalars, name) ? scalars[name][0] : undefined;
      if (!Number.isInteger(count) || count! < 0 || count! > this.options.steps)
        throw new SviError("E_CHECKPOINT", `The checkpoint's ${name} is ${count}`, {
          value: count,
          remedy: "Go back to an older checkpoint, or train again",
        });
    }
    if (this.options.average) requirePower(scalars);
    this.guide.state.restore(arrays, scalars);
    this.#state.restore(arrays, scalars);
    this.#started = true;
  }
}

/** @throws SviError `E_CHECKPOINT` for a power of the decay that would make a weight of the average infinite */
function requirePower({ averagePower = [] }: Record<string, number[]>): void {
  const [power] = averagePower;
  if (power >= 0 && power < 1) return;
  throw new SviError("E_CHECKPOINT", `The checkpoint's averagePower is ${power}`, {
    value: power,
    remedy: "Go back to an older checkpoint, or train again",
  });
}

/** @param step steps before it: the records of a run count from 1 */
export function diverged(what: string, value: number, step: number): SviError {
  return new SviError("E_DIVERGED", `The ${what} of step ${step + 1} is ${value}`, {
    value,
    remedy: "Train again with a smaller learning rate; the weights before the run diverged were kept",
  });
}
