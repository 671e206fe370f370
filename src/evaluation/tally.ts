/** @module The figures of an evaluation, added up over tokens. */
import { IGNORED } from "../model/checks.ts";
import type { Quantization } from "../model/matrix.ts";
import type { Sampling } from "../prediction/ensemble.ts";
import { requirePrediction } from "../prediction/model.ts";
import type { Corpus } from "../text/corpus.ts";

/** Means over the scored tokens; nats unless said otherwise. */
export interface Evaluation {
  /** Tokens scored. */
  readonly tokens: number;
  readonly nll: number;
  readonly perplexity: number;
  readonly bitsPerToken: number;
  /** null where the tokens do not have all bytes of the text; `bitsPerByteMissing` says why. */
  readonly bitsPerByte: number | null;
  /** "unknown": unknown tokens stand for text; "tokenizer": the tokenizer drops or changes text, such as spaces; "ignored": part of the text is not scored. */
  readonly bitsPerByteMissing: "unknown" | "tokenizer" | "ignored" | null;
  /** Scored tokens that are unknown. */
  readonly unknown: number;
  /** Perplexity over the other tokens; null where there is none. */
  readonly perplexityWithoutUnknown: number | null;
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

/** Sums over tokens, in float64 and in the order of the text. */
export class Tally {
  readonly #unknown: number | null;
  /** Token that the text begins with: it is not scored. */
  first = -1;
  #tokens = 0;
  #nll = 0;
  #entropy = 0;
  #samplesEntropy = 0;
  #brier = 0;
  #unknowns = 0;
  #unknownNll = 0;
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
    for (let r = 0; r < nll.length; r++) if (targets[r] !== IGNORED) this.#nll += nll[r];
    requirePrediction(this.#nll);
    for (let r = 0; r < nll.length; r++) {
      if (targets[r] === IGNORED) continue;
      this.#tokens++;
      this.#entropy += entropy[r];
      if (samplesEntropy) this.#samplesEntropy += samplesEntropy[r] / samples;
      const confidence = scores[4 * r];
      this.#brier += scores[4 * r + 2];
      const bin = this.#bins[Math.min(BINS - 1, Math.floor(confidence * BINS))];
      bin.tokens++;
      bin.confidence += confidence;
      bin.accuracy += scores[4 * r + 1];
      if (targets[r] === this.#unknown) {
        this.#unknowns++;
        this.#unknownNll += nll[r];
      }
    }
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
    const known = n - this.#unknowns;
    const keeps = corpus.tokenizer.lossless || corpus.tokenizer.kind === "character";
    const missing = corpus.scoring ? "ignored" : !keeps ? "tokenizer" : this.#unknowns > 0 ? "unknown" : null;
    return {
      tokens: n,
      nll,
      perplexity: k.exp64(nll),
      bitsPerToken: nll / Math.LN2,
      bitsPerByte: missing === null ? this.#nll / Math.LN2 / this.#bytes(corpus) : null,
      bitsPerByteMissing: missing,
      unknown: this.#unknowns,
      perplexityWithoutUnknown: known > 0 ? k.exp64((this.#nll - this.#unknownNll) / known) : null,
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
