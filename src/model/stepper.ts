/**
 * @module One token at a time through one set of weights, packed once: embedding → layers → probabilities.
 *
 * The state stays where the layers write it. The first layer's product with a token's embedding is kept for the
 * tokens seen last, as many as fit: the same bits as computed anew, and for most tokens of a text a copy less
 * than a product. In float32 the bits are those of `Network`.
 */
import { SviError } from "../errors.ts";
import type { KernelExports } from "../kernels/generated/signatures.ts";
import type { MemoryPlan } from "../kernels/memory.ts";
import type { ModelConfiguration } from "./configuration.ts";
import type { Layout, Segment } from "./layout.ts";
import { type Input, type Matrix, outputWidth, planInput, planMatrix, type Quantization } from "./matrix.ts";
import { type Predicted, planStepOutput, type StepOutput } from "./stepOutput.ts";

const BYTES = 4;

/** Writes the weights of a segment at an address. */
export type WeightSource = (segment: Segment, at: number) => void;

/** What all steppers of a plan use in turn. */
export interface StepScratch extends Predicted {
  /** [4·hidden]. */
  readonly gates: number;
  /** A segment's weights while they are packed. */
  readonly weights: number;
}

export function planScratch(plan: MemoryPlan, model: ModelConfiguration, layout: Layout): StepScratch {
  const staged = layout.segments.filter((s) => s.name !== "embedding.weight");
  return {
    gates: plan.words(outputWidth(4 * model.hidden)),
    probabilities: plan.words(outputWidth(model.vocabulary)),
    stride: Math.ceil(model.vocabulary / 4) * 4,
    nll: plan.words(1),
    target: plan.words(1),
    weights: plan.words(Math.max(...staged.map((s) => s.size))),
  };
}

/** @throws SviError `E_TOKEN_RANGE` */
export function requireToken(token: number, vocabulary: number): void {
  if (!(Number.isInteger(token) && token >= 0 && token < vocabulary))
    throw new SviError("E_TOKEN_RANGE", `Token id ${token} is outside of 0 to ${vocabulary - 1}`, {
      value: token,
      remedy: "Encode the text with the model's own tokenizer",
    });
}

interface StepLayer {
  readonly inputs: Matrix;
  readonly recurrent: Matrix;
  /** b_ih + b_hh, [4·hidden]. */
  readonly bias: number;
  readonly cell: number;
  readonly outputs: Input;
}

export class Stepper {
  /** Multiplications of a step; with the output layer's. */
  readonly work: number;
  readonly #plan: MemoryPlan;
  readonly #k: KernelExports;
  readonly #model: ModelConfiguration;
  readonly #layout: Layout;
  readonly #scratch: StepScratch;
  readonly #embedding: number;
  readonly #embedded: Input;
  readonly #layers: readonly StepLayer[];
  readonly #output: StepOutput;
  /** First layer's products of the tokens seen last, a row of whole panels each, and whose they are. */
  readonly #projections: number;
  readonly #projected: Int32Array;

  /** @param projections tokens whose first product is kept, at least 1 */
  constructor(
    plan: MemoryPlan,
    model: ModelConfiguration,
    layout: Layout,
    scratch: StepScratch,
    { projections, quantized }: { readonly projections: number; readonly quantized?: Quantization },
  ) {
    const { vocabulary, embedding, hidden } = model;
    this.#plan = plan;
    this.#k = plan.instance.exports;
    this.#model = model;
    this.#layout = layout;
    this.#scratch = scratch;
    this.#embedding = plan.words(vocabulary * embedding);
    this.#embedded = planInput(plan, embedding, quantized);
    this.#layers = Array.from({ length: model.layers }, (_, l) => ({
      inputs: planMatrix(plan, 4 * hidden, l === 0 ? embedding : hidden, quantized),
      recurrent: planMatrix(plan, 4 * hidden, hidden, quantized),
      bias: plan.words(4 * hidden),
      cell: plan.words(hidden),
      outputs: planInput(plan, hidden, quantized),
    }));
    this.#output = planStepOutput(plan, model, scratch, quantized);
    this.#projected = new Int32Array(projections).fill(-1);
    this.#projections = plan.words(projections * outputWidth(4 * hidden));
    this.work = 8 * hidden * hidden * model.layers + this.#output.work;
  }

  /** Packs the weights and zeroes the state. */
  pack(source: WeightSource): void {
    const { weights } = this.#scratch;
    const find = (name: string) => this.#layout.find(name);
    const staged = (name: string) => {
      source(find(name), weights);
      return weights;
    };
    source(find("embedding.weight"), this.#embedding);
    for (const [l, layer] of this.#layers.entries()) {
      layer.inputs.pack(staged(`lstm.weight_ih_l${l}`));
      layer.recurrent.pack(staged(`lstm.weight_hh_l${l}`));
      source(find(`lstm.bias_ih_l${l}`), layer.bias);
      this.#k.axpby(layer.bias, 1, staged(`lstm.bias_hh_l${l}`), 1, 4 * this.#model.hidden);
    }
    this.#output.pack(staged, this.#embedding);
    this.#projected.fill(-1);
    this.reset();
  }

  /** Zeroes the state, for a text that begins. */
  reset(): void {
    const { hidden } = this.#model;
    for (const { cell, outputs } of this.#layers) {
      this.#plan.floats(cell, hidden).fill(0);
      this.#plan.floats(outputs.floats, hidden).fill(0);
      outputs.settle();
    }
  }

  /** Reads a token into the state. @throws SviError `E_TOKEN_RANGE` */
  read(token: number): void {
    const { gates } = this.#scratch;
    const { hidden } = this.#model;
    for (let l = 0; l < this.#layers.length; l++) {
      const { inputs, recurrent, bias, cell, outputs } = this.#layers[l];
      let from = gates;
      if (l === 0) from = this.#project(token);
      else inputs.times(this.#layers[l - 1].outputs, 0, gates);
      recurrent.times(outputs, from, gates);
      this.#k.lstmForward(gates, bias, cell, cell, outputs.floats, 1, hidden);
      outputs.settle();
    }
  }

  /** Address of the first layer's product with a token's embedding. */
  #project(token: number): number {
    const { vocabulary, embedding, hidden } = this.#model;
    requireToken(token, vocabulary);
    const row = token % this.#projected.length;
    const at = this.#projections + row * outputWidth(4 * hidden) * BYTES;
    if (this.#projected[row] !== token) {
      const from = this.#embedding + token * embedding * BYTES;
      this.#k.copyBytes(this.#embedded.floats, from, embedding * BYTES);
      this.#embedded.settle();
      this.#layers[0].inputs.times(this.#embedded, 0, at);
      this.#projected[row] = token;
    }
    return at;
  }

  /** Probabilities of the next token, to the scratch; `nll` there tells whether they are numbers. */
  predict(): void {
    this.#output.predict(this.#layers.at(-1)!.outputs);
  }
}
