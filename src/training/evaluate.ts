/** @module How well a model predicts a text, read as one stream: every token after the first. */
import { requireInteger, SviError } from "../errors.ts";
import { drawNatural } from "../inference/draw.ts";
import { STREAM, seedOf } from "../inference/guide.ts";
import { KernelInstance } from "../kernels/instance.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { MemoryPlan } from "../kernels/memory.ts";
import type { Quantization } from "../model/matrix.ts";
import { Network } from "../model/network.ts";
import type { Posterior } from "../model/posterior.ts";
import { requireToken } from "../model/stepper.ts";
import type { Slices } from "../model/work.ts";
import {
  type Ensemble,
  type PredictionForm,
  planEnsemble,
  requireForm,
  type Sampling,
} from "../prediction/ensemble.ts";
import type { Corpus } from "../text/corpus.ts";
import type { Tokenizer } from "../text/types.ts";
import { drive } from "./slices.ts";

/** A model as training and prediction see it. */
export interface Model {
  readonly posterior: Posterior;
  readonly tokenizer: Tokenizer;
}

export interface EvaluateOptions extends PredictionForm {
  /** Posterior samples whose probabilities are averaged, each with its own state; 0 for the mean alone. */
  readonly samples?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly memoryLimit?: number;
  /** What computes: the entry point's own by default. */
  readonly kernels?: Kernels;
}

/** Means over the scored tokens; nats unless said otherwise. */
export interface Evaluation {
  /** Tokens scored. */
  readonly tokens: number;
  readonly nll: number;
  readonly perplexity: number;
  readonly bitsPerToken: number;
  /** null where an unknown id stands for part of the text. */
  readonly bitsPerByte: number | null;
  /** Expected calibration error of the likeliest token, 15 bins of equal width. */
  readonly ece: number;
  /** Brier score, the sum over the vocabulary of squared errors. */
  readonly brier: number;
  /** Entropy of the prediction. */
  readonly entropy: number;
  /** Entropy of the averaged prediction less the samples' average entropy; 0 for the mean alone. */
  readonly mutualInformation: number;
  /** Accuracy and confidence of each bin of the calibration error. */
  readonly reliability: readonly ReliabilityBin[];
  readonly samples: number;
  readonly seed: number;
  /** How the samples were had; null for the mean. */
  readonly sampling: Sampling | null;
  readonly quantized: Quantization | null;
}

export interface ReliabilityBin {
  readonly tokens: number;
  readonly confidence: number;
  readonly accuracy: number;
}

const BINS = 15;
/** Time steps of a window: as many as leave a chunk of logits of about 4 MB. */
const LONGEST_WINDOW = 256;
const CHUNK_FLOATS = 2 ** 20;

/**
 * Scores a corpus.
 * @throws SviError `E_VOCABULARY_MISMATCH`, `E_TEXT_SHORT`, `E_OPTION`, `E_DIVERGED` (a prediction that is no
 *   number), `E_MEMORY`; the signal's reason when aborted
 */
export async function evaluate(
  model: Model,
  corpus: Corpus,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  const samples = requireSamples(model.posterior, options.samples ?? 0);
  const evaluator = new Evaluator(model, samples, options);
  try {
    return await evaluator.score(corpus, options.signal);
  } finally {
    evaluator.release();
  }
}

/** @throws SviError `E_VOCABULARY_MISMATCH` where the corpus speaks of other ids than the model */
export function requireVocabulary(model: Model, corpus: Corpus): void {
  const { vocabulary } = model.posterior.configuration;
  const { vocabularySize } = corpus.tokenizer;
  if (vocabularySize !== vocabulary)
    throw new SviError(
      "E_VOCABULARY_MISMATCH",
      `The text has ${vocabularySize} token ids, the model ${vocabulary}`,
      {
        value: vocabularySize,
        remedy: "Open the text with the model's own tokenizer",
      },
    );
}

/** @throws SviError `E_OPTION` for a number out of range, or samples of a model that has no posterior */
export function requireSamples(posterior: Posterior, samples: number): number {
  requireInteger("samples", samples, 0, 4096);
  if (samples > 0 && !posterior.precision)
    throw new SviError("E_OPTION", `${samples} samples were asked of a model without a posterior`, {
      value: samples,
      remedy: "Use its mean (samples 0), or train it with ivon or bbb",
    });
  return samples;
}

/** @throws SviError `E_DIVERGED` where a figure of a prediction is no number */
export function requirePrediction(value: number): void {
  if (!Number.isFinite(value))
    throw new SviError("E_DIVERGED", "The model's prediction is not a number", {
      value,
      remedy: "Train it again with a smaller learning rate",
    });
}

/** Where an evaluation's figures lie; rows are time steps. */
interface Addresses {
  readonly theta: number;
  readonly mean: number;
  readonly precision: number;
  readonly states: number;
  /** Probabilities added up over samples, or the steps' own, [sequence, stride]. */
  readonly sum: number;
  readonly entropy: number;
  readonly samplesEntropy: number;
  readonly scores: number;
  readonly targets: number;
  readonly nll: number;
}

/** A forward-only instance; a run of inference keeps one for its validations. */
export class Evaluator {
  readonly #model: Model;
  readonly #samples: number;
  readonly #seed: number;
  readonly #form: ReturnType<typeof requireForm>;
  readonly #plan: MemoryPlan;
  readonly #sequence: number;
  readonly #stride: number;
  /** What reads the text: whole windows in float32, token by token in the forms that only prediction has. */
  readonly #reader: Network | Ensemble;
  readonly #at: Addresses;

  constructor(
    model: Model,
    samples: number,
    options: PredictionForm & Pick<EvaluateOptions, "seed" | "memoryLimit" | "kernels"> = {},
  ) {
    const { configuration } = model.posterior;
    this.#model = model;
    this.#samples = samples;
    this.#seed = requireInteger("seed", options.seed ?? 1, 0, Number.MAX_SAFE_INTEGER);
    this.#form = requireForm(options);
    this.#plan = new MemoryPlan(new KernelInstance(options.kernels), options.memoryLimit);
    this.#stride = Math.ceil(configuration.vocabulary / 4) * 4;
    this.#sequence = Math.max(16, Math.min(LONGEST_WINDOW, Math.floor(CHUNK_FLOATS / this.#stride)));
    const stepwise = this.#form.quantized || (samples > 0 && this.#form.sampling === "flipout");
    if (stepwise) {
      this.#reader = planEnsemble(this.#plan, model.posterior, samples, options);
      this.#at = this.#addresses(null);
    } else {
      const shape = { batch: 1, sequence: this.#sequence, training: false };
      this.#reader = new Network(this.#plan, configuration, model.posterior.layout, shape);
      this.#at = this.#addresses(this.#reader);
    }
    this.#plan.commit();
  }

  #addresses(network: Network | null): Addresses {
    const { length } = this.#model.posterior.layout;
    const [plan, sequence, sampled] = [this.#plan, this.#sequence, this.#samples > 0];
    const words = (wanted: boolean, count: number) => (wanted ? plan.words(count) : 0);
    const mean = words(network !== null, length);
    return {
      mean,
      theta: network && sampled ? plan.words(length) : mean,
      precision: words(network !== null && sampled, length),
      states: words(network !== null, Math.max(1, this.#samples) * (network?.stateSize ?? 0)),
      sum: words(!network || sampled, sequence * this.#stride),
      entropy: plan.words(sequence),
      samplesEntropy: plan.words(sequence),
      scores: plan.words(4 * sequence),
      targets: network?.buffers.targets ?? plan.words(sequence),
      nll: network?.buffers.nll ?? plan.words(sequence),
    };
  }

  /** Ends the use of its kernels. */
  release(): void {
    this.#plan.instance.release();
  }

  async score(corpus: Corpus, signal?: AbortSignal): Promise<Evaluation> {
    requireVocabulary(this.#model, corpus);
    const sequence = this.#sequence;
    const lanes = corpus.lanes({ batch: 1, sequence, partial: true });
    const inputs = new Int32Array(sequence);
    const targets = new Int32Array(sequence);
    const tally = new Tally(corpus.tokenizer.unknown);
    await drive(this.#begin(), signal);
    try {
      for (;;) {
        const steps = await lanes.next(inputs, targets);
        if (steps === 0) break;
        if (tally.first < 0) tally.first = inputs[0];
        await drive(this.#read(inputs, targets, steps), signal);
        this.#count(tally, targets, steps);
      }
    } finally {
      await lanes.close();
    }
    return {
      ...tally.result(corpus, this.#samples, this.#plan.instance.exports),
      samples: this.#samples,
      seed: this.#seed,
      sampling: this.#samples > 0 ? this.#form.sampling : null,
      quantized: this.#form.quantized ?? null,
    };
  }

  /** Takes the posterior over, zeroes the states, and packs the mean's weights for all windows. */
  *#begin(): Slices {
    if (!(this.#reader instanceof Network)) {
      yield* this.#reader.begin(seedOf(this.#seed));
      return;
    }
    const { posterior } = this.#model;
    const flat = (address: number) => this.#plan.floats(address, posterior.layout.length);
    yield* posterior.read(flat(this.#at.mean), this.#samples > 0 ? flat(this.#at.precision) : null);
    this.#plan.floats(this.#at.states, Math.max(1, this.#samples) * this.#reader.stateSize).fill(0);
    if (this.#samples === 0) yield* this.#reader.pack(this.#at.theta);
  }

  *#read(inputs: Int32Array, targets: Int32Array, steps: number): Slices {
    if (!(this.#reader instanceof Network)) yield* this.#stepwise(this.#reader, inputs, targets, steps);
    else {
      this.#reader.setWindow(inputs, targets, steps);
      yield* this.#samples > 0 ? this.#averaged(this.#reader, steps) : this.#single(this.#reader, steps);
    }
  }

  *#single(network: Network, steps: number): Slices {
    const { theta, states, entropy, targets } = this.#at;
    const { logits, logitStride } = network.buffers;
    const k = this.#plan.instance.exports;
    yield* network.forward(theta, states);
    network.saveState(states);
    for (const chunk of network.probabilities(theta)) if (!chunk) yield;
    k.addEntropy(entropy, logits, steps, logitStride, 1, 1);
    k.scoreRows(this.#at.scores, logits, targets, steps, logitStride, 1);
  }

  /** Probabilities averaged over samples; a sample is drawn anew for every window, from the same numbers. */
  *#averaged(network: Network, steps: number): Slices {
    const { theta, states, samplesEntropy, sum } = this.#at;
    const { logits, logitStride } = network.buffers;
    const k = this.#plan.instance.exports;
    for (let sample = 0; sample < this.#samples; sample++) {
      const state = states + 4 * sample * network.stateSize;
      yield* this.#draw(sample);
      yield* network.pack(theta);
      yield* network.forward(theta, state);
      network.saveState(state);
      for (const chunk of network.probabilities(theta)) if (!chunk) yield;
      k.addProbabilities(sum, logits, steps * logitStride, Number(sample === 0));
      k.addEntropy(samplesEntropy, logits, steps, logitStride, 1, Number(sample === 0));
    }
    this.#scoreRows(steps, 1 / this.#samples);
  }

  /** The same rows from a form that reads token by token and averages by itself. */
  *#stepwise(ensemble: Ensemble, inputs: Int32Array, targets: Int32Array, steps: number): Slices {
    const k = this.#plan.instance.exports;
    const samplesEntropy = this.#plan.floats(this.#at.samplesEntropy, steps);
    for (let t = 0; t < steps; t++) {
      yield* ensemble.step(inputs[t], true);
      requirePrediction(ensemble.check);
      requireToken(targets[t], this.#model.posterior.configuration.vocabulary);
      const row = this.#at.sum + 4 * t * this.#stride;
      k.copyBytes(row, ensemble.probabilities, 4 * this.#stride);
      samplesEntropy[t] = ensemble.samplesEntropy * this.#samples;
    }
    this.#plan.integers(this.#at.targets, steps).set(targets.subarray(0, steps));
    this.#scoreRows(steps, 1);
  }

  /** Entropies, scores and likelihoods of the rows of `sum`, times a weight. */
  #scoreRows(steps: number, weight: number): void {
    const { sum, entropy, scores, targets, nll } = this.#at;
    const k = this.#plan.instance.exports;
    k.addEntropy(entropy, sum, steps, this.#stride, weight, 1);
    k.scoreRows(scores, sum, targets, steps, this.#stride, weight);
    const score = this.#plan.floats(scores, 4 * steps);
    const likelihood = this.#plan.floats(nll, steps);
    // Below the smallest normal number the logarithm has nothing to take hold of.
    for (let r = 0; r < steps; r++) likelihood[r] = Math.max(score[4 * r + 3], 1.1754944e-38);
    k.logArray(nll, nll, steps);
    for (let r = 0; r < steps; r++) likelihood[r] = -likelihood[r];
  }

  *#draw(sample: number): Slices {
    const { theta, mean, precision } = this.#at;
    yield* drawNatural(
      this.#plan.instance.exports,
      this.#model.posterior.layout,
      { theta, mean, h: precision, delta: 0, scale: 1 },
      { seed: seedOf(this.#seed), step: sample, stream: STREAM.evaluate, particle: 0 },
    );
  }

  #count(tally: Tally, targets: Int32Array, steps: number): void {
    tally.add(
      targets,
      this.#plan.floats(this.#at.nll, steps),
      this.#plan.floats(this.#at.entropy, steps),
      this.#samples > 0 ? this.#plan.floats(this.#at.samplesEntropy, steps) : null,
      this.#plan.floats(this.#at.scores, 4 * steps),
      this.#samples,
    );
  }
}

/** Sums over tokens, in float64 and in the order of the text. */
class Tally {
  readonly #unknown: number | null;
  /** Token that the text begins with: it is not scored. */
  first = -1;
  #tokens = 0;
  #nll = 0;
  #entropy = 0;
  #samplesEntropy = 0;
  #brier = 0;
  #sawUnknown = false;
  readonly #bins = Array.from({ length: BINS }, () => ({ tokens: 0, confidence: 0, accuracy: 0 }));

  constructor(unknown: number | null) {
    this.#unknown = unknown;
  }

  add(
    targets: Int32Array,
    nll: Float32Array,
    entropy: Float32Array,
    samplesEntropy: Float32Array | null,
    scores: Float32Array,
    samples: number,
  ): void {
    for (const value of nll) this.#nll += value;
    requirePrediction(this.#nll);
    for (let r = 0; r < nll.length; r++) {
      this.#entropy += entropy[r];
      if (samplesEntropy) this.#samplesEntropy += samplesEntropy[r] / samples;
      const confidence = scores[4 * r];
      this.#brier += scores[4 * r + 2];
      const bin = this.#bins[Math.min(BINS - 1, Math.floor(confidence * BINS))];
      bin.tokens++;
      bin.confidence += confidence;
      bin.accuracy += scores[4 * r + 1];
      if (targets[r] === this.#unknown) this.#sawUnknown = true;
    }
    this.#tokens += nll.length;
  }

  /** Bytes of the text after its first token; not those of a slice, which a stream that is read once has not. */
  #bytes({ bytes, tokenizer }: Corpus): number {
    if (tokenizer.kind === "byte") return bytes - 1;
    return bytes - new TextEncoder().encode(tokenizer.decode([this.first])).length;
  }

  result(
    corpus: Corpus,
    samples: number,
    k: { exp64(x: number): number },
  ): Omit<Evaluation, "samples" | "seed" | "sampling" | "quantized"> {
    const n = this.#tokens;
    const nll = this.#nll / n;
    const entropy = this.#entropy / n;
    let ece = 0;
    for (const bin of this.#bins) ece += Math.abs(bin.accuracy - bin.confidence) / n;
    const known = corpus.tokenizer.lossless || corpus.tokenizer.kind === "character";
    return {
      tokens: n,
      nll,
      perplexity: k.exp64(nll),
      bitsPerToken: nll / Math.LN2,
      bitsPerByte: known && !this.#sawUnknown ? this.#nll / Math.LN2 / this.#bytes(corpus) : null,
      ece,
      brier: this.#brier / n,
      entropy,
      mutualInformation: samples > 0 ? entropy - this.#samplesEntropy / n : 0,
      reliability: this.#bins.map((bin) => ({
        tokens: bin.tokens,
        confidence: bin.tokens ? bin.confidence / bin.tokens : 0,
        accuracy: bin.tokens ? bin.accuracy / bin.tokens : 0,
      })),
    };
  }
}
