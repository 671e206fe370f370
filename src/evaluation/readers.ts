/** @module What reads a text for an evaluation: whole windows, or token by token where the form asks for that. */
import { drawNatural } from "../inference/draw.ts";
import type { MemoryPlan } from "../kernels/memory.ts";
import { type Seed, STREAM } from "../kernels/random.ts";
import { Tape } from "../kernels/tape.ts";
import { IGNORED, requireToken } from "../model/checks.ts";
import type { SourceRanges } from "../model/layers/layer.ts";
import { Network } from "../model/network.ts";
import type { Posterior } from "../model/posterior.ts";
import type { Slices } from "../model/work.ts";
import { requireCache } from "../prediction/cache.ts";
import { type CachedForm, type Ensemble, planEnsemble, requireForm } from "../prediction/ensemble.ts";
import { requirePrediction } from "../prediction/model.ts";
import { LEAST_PROBABILITY, temper } from "./temper.ts";

export interface ReaderContext {
  readonly plan: MemoryPlan;
  readonly posterior: Posterior;
  /** Posterior samples that are averaged; 0 for the mean. */
  readonly samples: number;
  /** Whose means stand for the samples. */
  readonly members?: readonly Posterior[];
  readonly seed: Seed;
  /** Timesteps of the longest window. */
  readonly sequence: number;
  /** Floats from one row of probabilities to the next. */
  readonly stride: number;
  /** Id that starts a document, or -1. */
  readonly separator: number;
  /** Of the predictions; 1 leaves them as they are. */
  readonly temperature: number;
}

/** Where the figures of a window lie, a row a timestep; addresses. */
export interface Rows {
  /** Entropy of the prediction, [sequence]. */
  readonly entropy: number;
  /** Entropies of the samples' predictions, added up, [sequence]. */
  readonly samplesEntropy: number;
  /** Confidence, hit, Brier score, probability of the target, [sequence, 4]. */
  readonly scores: number;
  /** [sequence]. */
  readonly targets: number;
  /** [sequence]. */
  readonly nll: number;
}

/** Reads windows one after the other, from a state of zeros on. */
export interface Reader {
  readonly rows: Rows;
  /** Takes the posterior over; later changes of it are not seen. */
  begin(): Slices;
  /** Reads a window and writes its rows. @throws SviError `E_TOKEN_RANGE`, `E_DIVERGED` */
  read(inputs: Int32Array, targets: Int32Array, steps: number, sources?: SourceRanges): Slices;
}

/** Plans its memory; usable once the plan is committed. @throws SviError `E_OPTION` */
export function planReader(context: ReaderContext, form: CachedForm): Reader {
  const { quantized, sampling } = requireForm(form);
  if (requireCache(form.cache) || quantized || (context.samples > 0 && sampling === "flipout"))
    return new TokenReader(context, form);
  return context.samples > 0 ? new SampledWindowReader(context) : new WindowReader(context);
}

/** The mean, in float32. */
class WindowReader implements Reader {
  readonly rows: Rows;
  readonly #context: ReaderContext;
  readonly #tape: Tape;
  readonly #network: Network;
  readonly #mean: number;
  readonly #state: number;

  constructor(context: ReaderContext) {
    this.#context = context;
    this.#tape = new Tape(context.plan.instance);
    this.#network = planNetwork(context, this.#tape);
    this.#mean = context.plan.words(context.posterior.layout.length);
    this.#state = context.plan.words(this.#network.stateSize);
    this.rows = planRows(context, this.#network.buffers);
  }

  *begin(): Slices {
    const { plan, posterior } = this.#context;
    yield* posterior.read(plan.floats(this.#mean, posterior.layout.length), null);
    plan.floats(this.#state, this.#network.stateSize).fill(0);
    // Once for all windows.
    this.#network.pack(this.#mean);
    yield* this.#tape.run();
  }

  read(inputs: Int32Array, targets: Int32Array, steps: number, sources?: SourceRanges): Slices {
    const network = this.#network;
    const { logits, logitStride } = network.buffers;
    const { entropy, scores, targets: targetsAt, nll } = this.rows;
    const { k } = this.#tape;
    const { plan, temperature, posterior } = this.#context;
    const { vocabulary } = posterior.configuration;
    network.setWindow(inputs, targets, steps, this.#context.separator, sources);
    network.forward(this.#mean, this.#state);
    network.saveState(this.#state);
    network.probabilities(this.#mean, ({ row, rows }) => {
      const own = { targets: targetsAt + 4 * row, nll: nll + 4 * row, rows, stride: logitStride, vocabulary };
      if (temperature !== 1) temper(plan, temperature, { probabilities: logits, ...own });
      const chunk = { p: logits, rows, stride: logitStride, scale: 1 };
      k.addEntropy({ ...chunk, entropy: entropy + 4 * row, first: true });
      k.scoreRows({ ...chunk, out: scores + 16 * row, targets: targetsAt + 4 * row });
    });
    return this.#tape.run();
  }
}

/**
 * Samples, in float32: each is drawn anew for every window, from the same numbers, and has a state of its own. Means of
 * other posteriors may stand for them.
 */
class SampledWindowReader implements Reader {
  readonly rows: Rows;
  readonly #context: ReaderContext;
  readonly #tape: Tape;
  readonly #network: Network;
  readonly #mean: number;
  readonly #theta: number;
  readonly #precision: number;
  readonly #states: number;
  /** Probabilities added up over samples, [sequence, stride]. */
  readonly #sum: number;

  constructor(context: ReaderContext) {
    const { plan, posterior, samples, sequence, stride } = context;
    const { length } = posterior.layout;
    this.#context = context;
    this.#tape = new Tape(context.plan.instance);
    this.#network = planNetwork(context, this.#tape);
    [this.#mean, this.#theta, this.#precision] = [length, length, length].map((n) => plan.words(n));
    this.#states = plan.words(samples * this.#network.stateSize);
    this.#sum = plan.words(sequence * stride);
    this.rows = planRows(context, this.#network.buffers);
  }

  *begin(): Slices {
    const { plan, posterior, samples, members } = this.#context;
    const flat = (address: number) => plan.floats(address, posterior.layout.length);
    if (!members) yield* posterior.read(flat(this.#mean), flat(this.#precision));
    plan.floats(this.#states, samples * this.#network.stateSize).fill(0);
  }

  *read(inputs: Int32Array, targets: Int32Array, steps: number, sources?: SourceRanges): Slices {
    const network = this.#network;
    const { logits, logitStride } = network.buffers;
    const { samples, separator } = this.#context;
    const { k } = this.#tape;
    network.setWindow(inputs, targets, steps, separator, sources);
    for (let sample = 0; sample < samples; sample++) {
      const state = this.#states + 4 * sample * network.stateSize;
      const first = sample === 0;
      yield* this.#draw(sample);
      network.pack(this.#theta);
      network.forward(this.#theta, state);
      network.saveState(state);
      network.probabilities(this.#theta, ({ row, rows }) => {
        const entropy = this.rows.samplesEntropy + 4 * row;
        const sum = this.#sum + 4 * row * logitStride;
        k.addProbabilities({ sum, p: logits, count: rows * logitStride, first });
        k.addEntropy({ entropy, p: logits, rows, stride: logitStride, scale: 1, first });
      });
      yield* this.#tape.run();
    }
    scoreRows(this.#context, this.rows, this.#sum, steps, 1 / samples);
  }

  *#draw(sample: number): Slices {
    const { plan, posterior, seed, members } = this.#context;
    const [theta, mean, h] = [this.#theta, this.#mean, this.#precision];
    if (members) return yield* members[sample].read(plan.floats(theta, posterior.layout.length), null);
    yield* drawNatural(
      plan.instance.exports,
      posterior.layout,
      { theta, mean, h, delta: 0, scale: 1 },
      { seed, step: sample, stream: STREAM.evaluate, particle: 0 },
    );
  }
}

/** Forms that only prediction has: they read token by token and average by themselves. */
class TokenReader implements Reader {
  readonly rows: Rows;
  readonly #context: ReaderContext;
  readonly #ensemble: Ensemble;
  /** Probabilities, [sequence, stride]. */
  readonly #probabilities: number;

  constructor(context: ReaderContext, form: CachedForm) {
    const { plan, posterior, samples, sequence, stride } = context;
    this.#context = context;
    this.#ensemble = planEnsemble(plan, posterior, samples, form);
    this.#probabilities = plan.words(sequence * stride);
    this.rows = planRows(context, { targets: plan.words(sequence), nll: plan.words(sequence) });
  }

  begin(): Slices {
    return this.#ensemble.begin(this.#context.seed);
  }

  *read(inputs: Int32Array, targets: Int32Array, steps: number): Slices {
    const { plan, posterior, samples, stride, separator } = this.#context;
    const ensemble = this.#ensemble;
    const k = plan.instance.exports;
    const samplesEntropy = plan.floats(this.rows.samplesEntropy, steps);
    for (let t = 0; t < steps; t++) {
      if (inputs[t] === separator) ensemble.reset();
      yield* ensemble.step(inputs[t], true);
      requirePrediction(ensemble.check);
      if (targets[t] !== IGNORED) requireToken(targets[t], posterior.configuration.vocabulary);
      k.copyBytes(this.#probabilities + 4 * t * stride, ensemble.probabilities, 4 * stride);
      samplesEntropy[t] = ensemble.samplesEntropy * samples;
    }
    plan.integers(this.rows.targets, steps).set(targets.subarray(0, steps));
    scoreRows(this.#context, this.rows, this.#probabilities, steps, 1);
  }
}

function planNetwork({ plan, posterior, sequence, separator }: ReaderContext, tape: Tape): Network {
  const shape = { batch: 1, sequence, training: false, resets: separator >= 0 };
  return new Network(tape, plan, posterior.configuration, posterior.layout, shape);
}

export function planRows({ plan, sequence }: ReaderContext, own: Pick<Rows, "targets" | "nll">): Rows {
  return {
    entropy: plan.words(sequence),
    samplesEntropy: plan.words(sequence),
    scores: plan.words(4 * sequence),
    targets: own.targets,
    nll: own.nll,
  };
}

/** Entropies, scores and likelihoods of rows of probabilities, [steps, stride], times a weight. */
function scoreRows(
  context: ReaderContext,
  rows: Rows,
  probabilities: number,
  steps: number,
  weight: number,
): void {
  const tempered = context.temperature !== 1;
  if (tempered) temperAverage(context, rows, probabilities, steps, weight);
  scorePlain(context, rows, probabilities, steps, tempered ? 1 : weight);
}

/** What samples disagree on stays as it is: their entropies change by as much as that of their average. */
function temperAverage(
  { plan, stride, samples, temperature, posterior }: ReaderContext,
  { entropy, samplesEntropy, targets, nll }: Rows,
  probabilities: number,
  rows: number,
  weight: number,
): void {
  const k = plan.instance.exports;
  const [average, own] = [plan.floats(entropy, rows), plan.floats(samplesEntropy, rows)];
  k.addEntropy(entropy, probabilities, rows, stride, weight, 1);
  for (let r = 0; r < rows; r++) own[r] -= samples * average[r];
  k.axpby(probabilities, weight, probabilities, 0, rows * stride);
  const { vocabulary } = posterior.configuration;
  temper(plan, temperature, { probabilities, targets, nll, rows, stride, vocabulary });
  k.addEntropy(entropy, probabilities, rows, stride, 1, 1);
  for (let r = 0; r < rows; r++) own[r] += samples * average[r];
}

function scorePlain(
  { plan, stride }: ReaderContext,
  { entropy, scores, targets, nll }: Rows,
  probabilities: number,
  steps: number,
  weight: number,
): void {
  const k = plan.instance.exports;
  k.addEntropy(entropy, probabilities, steps, stride, weight, 1);
  k.scoreRows(scores, probabilities, targets, steps, stride, weight);
  const score = plan.floats(scores, 4 * steps);
  const likelihood = plan.floats(nll, steps);
  for (let r = 0; r < steps; r++) likelihood[r] = Math.max(score[4 * r + 3], LEAST_PROBABILITY);
  k.logArray(nll, nll, steps);
  for (let r = 0; r < steps; r++) likelihood[r] = -likelihood[r];
}
