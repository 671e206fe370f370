/** @module The output layer for one token at a time: the last state → probabilities of all tokens. */
import type { KernelExports } from "../kernels/generated/signatures.ts";
import type { MemoryPlan } from "../kernels/memory.ts";
import { tailsOf } from "./clusters.ts";
import type { ModelConfiguration } from "./configuration.ts";
import { logitStrideOf } from "./layers/classifier.ts";
import { type Input, type Matrix, outputWidth, planInput, planMatrix, type Quantization } from "./matrix.ts";

const BYTES = 4;

/** Where predictions go. */
export interface Predicted {
  /** [stride], 0 past the vocabulary. */
  readonly probabilities: number;
  readonly stride: number;
  /** Written: no number where the prediction is none. */
  readonly nll: number;
  /** Holds 0, the id whose likelihood is taken. */
  readonly target: number;
}

export interface StepOutput {
  /** Multiplications of a prediction. */
  readonly work: number;
  /**
   * @param staged writes a segment's weights somewhere and returns where, until the next call
   * @param embedding address of the embedding's weights, which tied ones are
   */
  pack(staged: (name: string) => number, embedding: number): void;
  /** Probabilities after the last layer's outputs. */
  predict(outputs: Input): void;
}

export function planStepOutput(
  plan: MemoryPlan,
  model: ModelConfiguration,
  predicted: Predicted,
  quantized?: Quantization,
): StepOutput {
  const Form = model.softmax === "adaptive" ? AdaptiveStepOutput : FullStepOutput;
  return new Form(plan, model, predicted, quantized);
}

/** A linear map of the last layer's outputs, and what it makes of them. */
interface Projection {
  readonly projection: Matrix;
  readonly projected: Input;
}

function planProjection(plan: MemoryPlan, to: number, from: number, quantized?: Quantization): Projection {
  return {
    projection: planMatrix(plan, to, from, quantized),
    projected: planInput(plan, outputWidth(to), quantized),
  };
}

function project({ projection, projected }: Projection, outputs: Input): Input {
  projection.times(outputs, 0, projected.floats);
  projected.settle();
  return projected;
}

class FullStepOutput implements StepOutput {
  readonly work: number;
  readonly #k: KernelExports;
  readonly #model: ModelConfiguration;
  readonly #predicted: Predicted;
  /** To the width of tied weights, where that is another. */
  readonly #projection: Projection | null;
  readonly #matrix: Matrix;
  readonly #bias: number;

  constructor(plan: MemoryPlan, model: ModelConfiguration, predicted: Predicted, quantized?: Quantization) {
    const { vocabulary, embedding, hidden, tied } = model;
    const width = tied ? embedding : hidden;
    this.#k = plan.instance.exports;
    this.#model = model;
    this.#predicted = predicted;
    this.#projection = width === hidden ? null : planProjection(plan, width, hidden, quantized);
    this.#matrix = planMatrix(plan, vocabulary, width, quantized);
    this.#bias = plan.words(vocabulary);
    this.work = vocabulary * width + (this.#projection ? width * hidden : 0);
  }

  pack(staged: (name: string) => number, embedding: number): void {
    const { tied, vocabulary } = this.#model;
    this.#projection?.projection.pack(staged("projection.weight"));
    this.#matrix.pack(tied ? embedding : staged("output.weight"));
    this.#k.copyBytes(this.#bias, staged("output.bias"), vocabulary * BYTES);
  }

  predict(outputs: Input): void {
    const { probabilities, stride, nll, target } = this.#predicted;
    const inputs = this.#projection ? project(this.#projection, outputs) : outputs;
    this.#matrix.times(inputs, 0, probabilities);
    this.#k.probabilities(probabilities, this.#bias, target, nll, 1, this.#model.vocabulary, stride);
  }
}

interface StepTail extends Projection {
  readonly first: number;
  readonly size: number;
  readonly matrix: Matrix;
}

/** As layers/adaptive.ts, a row at a time. */
class AdaptiveStepOutput implements StepOutput {
  readonly work: number;
  readonly #plan: MemoryPlan;
  readonly #k: KernelExports;
  readonly #predicted: Predicted;
  readonly #frequent: number;
  readonly #head: Matrix;
  readonly #headSize: number;
  readonly #headBias: number;
  readonly #tails: readonly StepTail[];
  /** Logits and probabilities of head or tail, one after the other; the clusters' own; one's likelihood. */
  readonly #scratch: number;
  readonly #shares: number;
  readonly #nll: number;

  constructor(plan: MemoryPlan, model: ModelConfiguration, predicted: Predicted, quantized?: Quantization) {
    const { hidden, cutoffs } = model;
    const tails = tailsOf(model);
    this.#plan = plan;
    this.#k = plan.instance.exports;
    this.#predicted = predicted;
    this.#frequent = cutoffs[0];
    this.#headSize = this.#frequent + tails.length;
    this.#head = planMatrix(plan, this.#headSize, hidden, quantized);
    this.#headBias = plan.words(this.#headSize);
    this.#tails = tails.map(({ first, size, width }) => ({
      first,
      size,
      ...planProjection(plan, width, hidden, quantized),
      matrix: planMatrix(plan, size, width, quantized),
    }));
    this.#scratch = plan.words(
      Math.max(...[this.#headSize, ...tails.map(({ size }) => size)].map(outputWidth)),
    );
    this.#shares = plan.words(tails.length);
    this.#nll = plan.words(1);
    this.work = tails.reduce(
      (sum, { size, width }) => sum + width * (hidden + size),
      this.#headSize * hidden,
    );
  }

  pack(staged: (name: string) => number): void {
    this.#head.pack(staged("output.head.weight"));
    this.#k.copyBytes(this.#headBias, staged("output.head.bias"), this.#headSize * BYTES);
    this.#tails.forEach(({ projection, matrix }, i) => {
      projection.pack(staged(`output.tail.${i}.0.weight`));
      matrix.pack(staged(`output.tail.${i}.1.weight`));
    });
  }

  predict(outputs: Input): void {
    const { probabilities, nll, target } = this.#predicted;
    this.#head.times(outputs, 0, this.#scratch);
    this.#normalise(this.#headBias, this.#headSize, target, nll);
    this.#k.copyBytes(probabilities, this.#scratch, this.#frequent * BYTES);
    this.#k.copyBytes(this.#shares, this.#scratch + this.#frequent * BYTES, this.#tails.length * BYTES);
    this.#tails.forEach((tail, i) => {
      const { first, size, matrix } = tail;
      matrix.times(project(tail, outputs), 0, this.#scratch);
      this.#normalise(0, size, target, this.#nll);
      const to = probabilities + first * BYTES;
      this.#k.placeCluster(to, size, this.#scratch, size, this.#shares + i * BYTES, 1, 1, size);
      // A tail that is NaN makes the whole prediction none.
      this.#plan.floats(nll, 1)[0] += this.#plan.floats(this.#nll, 1)[0];
    });
  }

  #normalise(bias: number, size: number, target: number, nll: number): void {
    this.#k.probabilities(this.#scratch, bias, target, nll, 1, size, logitStrideOf(size));
  }
}
