/** @module How well a model predicts a text, read as one stream: every token after the first. */
import { requireInteger, SviError } from "../errors.ts";
import { drawNatural } from "../inference/draw.ts";
import { STREAM, seedOf } from "../inference/guide.ts";
import { KernelInstance } from "../kernels/instance.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { MemoryPlan } from "../kernels/memory.ts";
import { Network } from "../model/network.ts";
import type { Posterior } from "../model/posterior.ts";
import type { Slices } from "../model/work.ts";
import type { Corpus } from "../text/corpus.ts";
import type { Tokenizer } from "../text/types.ts";
import { drive } from "./slices.ts";

/** A model as training and prediction see it. */
export interface Model {
  readonly posterior: Posterior;
  readonly tokenizer: Tokenizer;
}

export interface EvaluateOptions {
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

/** A forward-only instance; a run of inference keeps one for its validations. */
export class Evaluator {
  readonly #model: Model;
  readonly #samples: number;
  readonly #seed: number;
  readonly #plan: MemoryPlan;
  readonly #network: Network;
  readonly #at: {
    readonly theta: number;
    readonly mean: number;
    readonly precision: number;
    readonly states: number;
    readonly sum: number;
    readonly entropy: number;
    readonly samplesEntropy: number;
    readonly scores: number;
  };

  constructor(
    model: Model,
    samples: number,
    options: Pick<EvaluateOptions, "seed" | "memoryLimit" | "kernels"> = {},
  ) {
    const { configuration, layout } = model.posterior;
    this.#model = model;
    this.#samples = samples;
    this.#seed = requireInteger("seed", options.seed ?? 1, 0, Number.MAX_SAFE_INTEGER);
    this.#plan = new MemoryPlan(new KernelInstance(options.kernels), options.memoryLimit);
    const stride = Math.ceil(configuration.vocabulary / 4) * 4;
    const sequence = Math.max(16, Math.min(LONGEST_WINDOW, Math.floor(CHUNK_FLOATS / stride)));
    this.#network = new Network(this.#plan, configuration, layout, { batch: 1, sequence, training: false });
    const mean = this.#plan.words(layout.length);
    this.#at = {
      mean,
      theta: samples > 0 ? this.#plan.words(layout.length) : mean,
      precision: samples > 0 ? this.#plan.words(layout.length) : 0,
      states: this.#plan.words(Math.max(1, samples) * this.#network.stateSize),
      sum: samples > 0 ? this.#plan.words(sequence * stride) : 0,
      entropy: this.#plan.words(sequence),
      samplesEntropy: this.#plan.words(sequence),
      scores: this.#plan.words(4 * sequence),
    };
    this.#plan.commit();
  }

  /** Ends the use of its kernels. */
  release(): void {
    this.#plan.instance.release();
  }

  async score(corpus: Corpus, signal?: AbortSignal): Promise<Evaluation> {
    requireVocabulary(this.#model, corpus);
    const { sequence } = this.#network.options;
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
        this.#network.setWindow(inputs, targets, steps);
        await drive(this.#samples > 0 ? this.#averaged(steps) : this.#single(steps), signal);
        this.#count(tally, targets, steps);
      }
    } finally {
      await lanes.close();
    }
    return tally.result(corpus, this.#samples, this.#seed, this.#plan.instance.exports);
  }

  /** Takes the posterior over, zeroes the states, and packs the mean's weights for all windows. */
  *#begin(): Slices {
    const { posterior } = this.#model;
    const flat = (address: number) => this.#plan.floats(address, posterior.layout.length);
    yield* posterior.read(flat(this.#at.mean), this.#samples > 0 ? flat(this.#at.precision) : null);
    this.#plan.floats(this.#at.states, Math.max(1, this.#samples) * this.#network.stateSize).fill(0);
    if (this.#samples === 0) yield* this.#network.pack(this.#at.theta);
  }

  *#single(steps: number): Slices {
    const { theta, states, entropy } = this.#at;
    const { logits, logitStride } = this.#network.buffers;
    const k = this.#plan.instance.exports;
    yield* this.#network.forward(theta, states);
    this.#network.saveState(states);
    for (const chunk of this.#network.probabilities(theta)) if (!chunk) yield;
    k.addEntropy(entropy, logits, steps, logitStride, 1, 1);
    k.scoreRows(this.#at.scores, logits, this.#network.buffers.targets, steps, logitStride, 1);
  }

  /** Probabilities averaged over samples; a sample is drawn anew for every window, from the same numbers. */
  *#averaged(steps: number): Slices {
    const { theta, states, entropy, samplesEntropy, sum, scores } = this.#at;
    const { logits, logitStride, nll, targets } = this.#network.buffers;
    const k = this.#plan.instance.exports;
    const weight = 1 / this.#samples;
    for (let sample = 0; sample < this.#samples; sample++) {
      const state = states + 4 * sample * this.#network.stateSize;
      yield* this.#draw(sample);
      yield* this.#network.pack(theta);
      yield* this.#network.forward(theta, state);
      this.#network.saveState(state);
      for (const chunk of this.#network.probabilities(theta)) if (!chunk) yield;
      k.addProbabilities(sum, logits, steps * logitStride, Number(sample === 0));
      k.addEntropy(samplesEntropy, logits, steps, logitStride, 1, Number(sample === 0));
    }
    k.addEntropy(entropy, sum, steps, logitStride, weight, 1);
    k.scoreRows(scores, sum, targets, steps, logitStride, weight);
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
      this.#plan.floats(this.#network.buffers.nll, steps),
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

  result(corpus: Corpus, samples: number, seed: number, k: { exp64(x: number): number }): Evaluation {
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
      samples,
      seed,
    };
  }
}
