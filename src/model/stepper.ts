/**
 * @module One token at a time through one set of weights, packed once: embedding → layers → probabilities.
 *
 * The state stays where the layers write it. The first layer's product with a token's embedding is kept for the
 * tokens seen last, as many as fit: the same bits as computed anew, and for most tokens of a text a copy less
 * than a product. In float32 the bits are those of `Network`.
 */
import type { KernelExports } from "../kernels/generated/signatures.ts";
import type { MemoryPlan } from "../kernels/memory.ts";
import { requireToken } from "./checks.ts";
import type { ModelConfiguration } from "./configuration.ts";
import { ATTENTION } from "./layers/attention.ts";
import type { Cell, CellStep } from "./layers/cell.ts";
import { cellOf } from "./layers/cells.ts";
import type { Layout, Segment } from "./layout.ts";
import { type Input, type Matrix, outputWidth, planInput, planMatrix, type Quantization } from "./matrix.ts";
import { type Piece, StepAttention } from "./stepAttention.ts";
import { type Predicted, planStepOutput, type StepOutput } from "./stepOutput.ts";

const BYTES = 4;

/** Writes the weights of a segment at an address. */
export type WeightSource = (segment: Segment, at: number) => void;

/** What all steppers of a plan use in turn. */
export interface StepScratch extends Predicted {
  /** [gates·hidden]; products of the state, apart from those of the inputs where the cell keeps them so. */
  readonly gates: number;
  readonly products: number;
  /** A segment's weights while they are packed. */
  readonly weights: number;
}

export function planScratch(plan: MemoryPlan, model: ModelConfiguration, layout: Layout): StepScratch {
  const staged = layout.segments.filter((s) => s.role !== "embedding");
  const cell = cellOf(model.cell);
  const gates = plan.words(outputWidth(cell.gates * model.hidden));
  return {
    gates,
    products: cell.apart ? plan.words(outputWidth(cell.gates * model.hidden)) : gates,
    probabilities: plan.words(outputWidth(model.vocabulary)),
    stride: Math.ceil(model.vocabulary / 4) * 4,
    nll: plan.words(1),
    target: plan.words(1),
    weights: plan.words(Math.max(...staged.map((s) => s.size))),
  };
}

interface StepLayer {
  readonly inputs: Matrix;
  readonly recurrent: Matrix;
  readonly outputs: Input;
  /** Where the cell reads and writes. */
  readonly at: CellStep;
}

/** Attention and its projection, from [c ; h] to what the output layer reads. */
interface StepAttending {
  readonly states: StepAttention;
  readonly joined: Input;
  readonly matrix: Matrix;
  readonly out: Input;
}

export class Stepper {
  /** Multiplications of a step; with the output layer's. */
  readonly work: number;
  readonly #plan: MemoryPlan;
  readonly #k: KernelExports;
  readonly #model: ModelConfiguration;
  readonly #layout: Layout;
  readonly #scratch: StepScratch;
  readonly #cell: Cell;
  /** gates·hidden. */
  readonly #wide: number;
  readonly #embedding: number;
  readonly #embedded: Input;
  readonly #layers: readonly StepLayer[];
  readonly #attending: StepAttending | null;
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
    this.#cell = cellOf(model.cell);
    this.#wide = this.#cell.gates * hidden;
    this.#layers = Array.from({ length: model.layers }, (_, l) =>
      this.#planLayer(l === 0 ? embedding : hidden, quantized),
    );
    this.#attending = planAttending(plan, model, quantized);
    this.#output = planStepOutput(plan, model, scratch, quantized);
    this.#projected = new Int32Array(projections).fill(-1);
    this.#projections = plan.words(projections * outputWidth(this.#wide));
    const attending = this.#attending ? 2 * hidden * hidden + this.#attending.states.work : 0;
    this.work = 2 * this.#wide * hidden * model.layers + this.#output.work + attending;
  }

  #planLayer(width: number, quantized?: Quantization): StepLayer {
    const plan = this.#plan;
    const { hidden } = this.#model;
    const { gates, products } = this.#scratch;
    const wide = this.#wide;
    const outputs = planInput(plan, hidden, quantized);
    const bias = plan.words((this.#cell.apart ? 2 : 1) * wide);
    const [h, c] = [outputs.floats, plan.words(this.#cell.states > 1 ? hidden : 0)];
    return {
      inputs: planMatrix(plan, wide, width, quantized),
      recurrent: planMatrix(plan, wide, hidden, quantized),
      outputs,
      at: {
        batch: 1,
        hidden,
        gates,
        products,
        bias,
        stateBias: bias + 4 * wide,
        hBefore: h,
        cBefore: c,
        h,
        c,
      },
    };
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
    const { prefix, apart } = this.#cell;
    for (const [l, { inputs, recurrent, at }] of this.#layers.entries()) {
      inputs.pack(staged(`${prefix}.weight_ih_l${l}`));
      recurrent.pack(staged(`${prefix}.weight_hh_l${l}`));
      source(find(`${prefix}.bias_ih_l${l}`), at.bias);
      if (apart) source(find(`${prefix}.bias_hh_l${l}`), at.stateBias);
      else this.#k.axpby(at.bias, 1, staged(`${prefix}.bias_hh_l${l}`), 1, this.#wide);
    }
    this.#attending?.matrix.pack(staged(ATTENTION));
    this.#output.pack(staged, this.#embedding);
    this.#projected.fill(-1);
    this.reset();
  }

  /** Zeroes the state, for a text that begins. */
  reset(): void {
    const { hidden } = this.#model;
    for (const { at, outputs } of this.#layers) {
      if (this.#cell.states > 1) this.#plan.floats(at.c, hidden).fill(0);
      this.#plan.floats(outputs.floats, hidden).fill(0);
      outputs.settle();
    }
    this.#attending?.states.reset();
  }

  /** What the state is made of, the last layer's outputs at the end; after writing there, `settle`. */
  get states(): Piece[] {
    const { hidden } = this.#model;
    const layers = this.#layers.flatMap(({ at }) => (this.#cell.states > 1 ? [at.c, at.h] : [at.h]));
    return [...(this.#attending?.states.states ?? []), ...layers.map((at): Piece => [at, hidden])];
  }

  settle(): void {
    for (const { outputs } of this.#layers) outputs.settle();
  }

  /** Reads a token into the state. @throws SviError `E_TOKEN_RANGE`, `E_TEXT_LONG` (a source beyond the attention's span) */
  read(token: number): void {
    const { gates, products } = this.#scratch;
    const { apart } = this.#cell;
    for (let l = 0; l < this.#layers.length; l++) {
      const { inputs, recurrent, outputs, at } = this.#layers[l];
      let from = gates;
      if (l === 0) from = this.#project(token);
      else inputs.times(this.#layers[l - 1].outputs, 0, gates);
      // What is kept for the next time must not be written to.
      if (apart && l === 0) this.#k.copyBytes(gates, from, this.#wide * BYTES);
      recurrent.times(outputs, apart ? 0 : from, products);
      this.#cell.step(this.#k, at);
      outputs.settle();
    }
    this.#attending?.states.read(token, this.#layers.at(-1)!.outputs.floats);
  }

  /** Address of the first layer's product with a token's embedding. */
  #project(token: number): number {
    const { vocabulary, embedding } = this.#model;
    requireToken(token, vocabulary);
    const row = token % this.#projected.length;
    const at = this.#projections + row * outputWidth(this.#wide) * BYTES;
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
    const { outputs } = this.#layers.at(-1)!;
    this.#output.predict(this.#attending ? this.#attend(this.#attending, outputs) : outputs);
  }

  #attend({ states, joined, matrix, out }: StepAttending, outputs: Input): Input {
    states.attend(outputs.floats, joined.floats);
    joined.settle();
    matrix.times(joined, 0, out.floats);
    this.#k.tanhArray(out.floats, out.floats, this.#model.hidden);
    out.settle();
    return out;
  }
}

function planAttending(
  plan: MemoryPlan,
  { attention, hidden }: ModelConfiguration,
  quantized?: Quantization,
): StepAttending | null {
  if (!attention) return null;
  return {
    states: new StepAttention(plan, attention, 1, hidden),
    joined: planInput(plan, 2 * hidden, quantized),
    matrix: planMatrix(plan, hidden, 2 * hidden, quantized),
    out: planInput(plan, outputWidth(hidden), quantized),
  };
}
