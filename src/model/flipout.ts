/**
 * @module One token at a time through S samples at once that share a mean M and one perturbation ΔW, each with
 * signs r, c of its own held over time (Flipout, Wen et al. 2018): y_s = x_s·Mᵀ + ((x_s ∘ c_s)·ΔWᵀ) ∘ r_s.
 *
 * Each sample alone is distributed as an independent one, where the posterior is symmetric around its mean; any
 * two of them depend on each other through the sizes in ΔW. An embedding is a product with one-hot rows: its
 * c is a sign for each token.
 */
import { FORM } from "../kernels/forms.ts";
import type { KernelExports } from "../kernels/generated/signatures.ts";
import type { MemoryPlan } from "../kernels/memory.ts";
import { requireToken } from "./checks.ts";
import type { ModelConfiguration } from "./configuration.ts";
import { ATTENTION } from "./layers/attention.ts";
import type { Cell, CellStep } from "./layers/cell.ts";
import { cellOf } from "./layers/cells.ts";
import type { Layout } from "./layout.ts";
import { type Piece, StepAttention } from "./stepAttention.ts";
import type { WeightSource } from "./stepper.ts";

const BYTES = 4;
const FLOATS = FORM.float32;
/** Signs are drawn sixteen at a time: room for those past the end. */
const DRAWN = 16;

/** Fills `count` signs at an address; `row` numbers them among all. */
export type SignSource = (at: number, count: number, row: number) => void;

/** One product: weights of mean and perturbation, packed, and the signs of every sample. */
interface Perturbed {
  readonly n: number;
  readonly k: number;
  readonly mean: number;
  readonly change: number;
  /** [samples, k] and [samples, n]. */
  readonly inputSigns: number;
  readonly outputSigns: number;
}

interface FlipoutLayer {
  readonly inputs: Perturbed;
  readonly recurrent: Perturbed;
  /** Where the cell reads and writes, a row a sample. */
  readonly at: CellStep;
}

export class FlipoutStepper {
  /** Multiplications of a step with its prediction. */
  readonly work: number;
  /** Logits, then probabilities, [samples, stride]. */
  readonly probabilities: number;
  readonly stride: number;
  /** Negative log-likelihoods of token 0, [samples]. */
  readonly nll: number;
  readonly #plan: MemoryPlan;
  readonly #k: KernelExports;
  readonly #model: ModelConfiguration;
  readonly #layout: Layout;
  readonly #samples: number;
  /** Embeddings of mean and perturbation, [vocabulary, embedding], and the samples' signs of tokens and widths. */
  readonly #embedding: { readonly mean: number; readonly change: number };
  readonly #tokenSigns: number;
  readonly #widthSigns: number;
  readonly #layers: readonly FlipoutLayer[];
  /** To the width of tied weights, where that is another, and [samples, embedding]. */
  readonly #projection: Perturbed | null;
  readonly #projected: number;
  /** Attention and its projection, and what these make, [samples, 2·hidden] and [samples, hidden]. */
  readonly #attention: StepAttention | null;
  readonly #attended: Perturbed | null;
  readonly #joined: number;
  readonly #out: number;
  readonly #output: Perturbed;
  readonly #outputBias: number;
  readonly #embedded: number;
  readonly #cell: Cell;
  /** gates·hidden. */
  readonly #wide: number;
  readonly #signed: number;
  readonly #changes: number;
  readonly #targets: number;
  readonly #weights: number;
  readonly #scratch: number;

  constructor(plan: MemoryPlan, model: ModelConfiguration, layout: Layout, samples: number) {
    const { vocabulary, embedding, hidden, layers, tied } = model;
    const width = tied ? embedding : hidden;
    this.#plan = plan;
    this.#k = plan.instance.exports;
    this.#model = model;
    this.#layout = layout;
    this.#samples = samples;
    const table = () => plan.words(vocabulary * embedding);
    this.#embedding = { mean: table(), change: table() };
    this.#tokenSigns = plan.words(samples * vocabulary + DRAWN);
    this.#widthSigns = plan.words(samples * embedding + DRAWN);
    this.#cell = cellOf(model.cell);
    this.#wide = this.#cell.gates * hidden;
    const gates = plan.words(samples * this.#wide);
    const products = this.#cell.apart ? plan.words(samples * this.#wide) : gates;
    this.#layers = Array.from({ length: layers }, (_, l) => this.#planLayer(l, gates, products));
    const { attention } = model;
    this.#attention = attention ? new StepAttention(plan, attention, samples, hidden) : null;
    this.#attended = attention ? this.#planProduct(hidden, 2 * hidden) : null;
    this.#joined = plan.words(attention ? samples * 2 * hidden : 0);
    this.#out = plan.words(attention ? samples * hidden : 0);
    this.#projection = width === hidden ? null : this.#planProduct(width, hidden);
    this.#projected = plan.words(this.#projection ? samples * width : 0);
    this.#output = this.#planProduct(vocabulary, width);
    this.#outputBias = plan.words(vocabulary);
    this.stride = Math.ceil(vocabulary / 4) * 4;
    this.probabilities = plan.words(samples * this.stride);
    this.nll = plan.words(samples);
    this.#targets = plan.words(samples);
    this.#embedded = plan.words(samples * embedding);
    this.#signed = plan.words(samples * Math.max(embedding, attention ? 2 * hidden : hidden));
    this.#changes = plan.words(samples * Math.max(this.#wide, vocabulary, embedding));
    this.#weights = plan.words(Math.max(...layout.segments.map((s) => s.size)));
    this.#scratch = plan.words(this.#k.gemmScratchSize() / BYTES);
    const output = vocabulary * width + (this.#projection ? width * hidden : 0);
    this.work = 2 * samples * (this.#wide * (embedding + (2 * layers - 1) * hidden) + output);
  }

  #planLayer(l: number, gates: number, products: number): FlipoutLayer {
    const { embedding, hidden } = this.#model;
    const state = () => this.#plan.words(this.#samples * hidden);
    const bias = this.#plan.words((this.#cell.apart ? 2 : 1) * this.#wide);
    const [h, c] = [state(), state()];
    return {
      inputs: this.#planProduct(this.#wide, l === 0 ? embedding : hidden),
      recurrent: this.#planProduct(this.#wide, hidden),
      at: {
        batch: this.#samples,
        hidden,
        gates,
        products,
        bias,
        stateBias: bias + this.#wide * BYTES,
        hBefore: h,
        cBefore: c,
        h,
        c,
      },
    };
  }

  #planProduct(n: number, k: number): Perturbed {
    const packed = () => this.#plan.words(this.#k.packedSize(n, k, FLOATS) + 16);
    return {
      n,
      k,
      mean: packed(),
      change: packed(),
      inputSigns: this.#plan.words(this.#samples * k + DRAWN),
      outputSigns: this.#plan.words(this.#samples * n + DRAWN),
    };
  }

  /** Packs mean and perturbation, draws the signs, zeroes the states. */
  pack(mean: WeightSource, change: WeightSource, signs: SignSource): void {
    const { tied } = this.#model;
    let row = 0;
    const draw = (at: number, width: number) => {
      for (let s = 0; s < this.#samples; s++) signs(at + s * width * BYTES, width, row++);
    };
    const pack = (name: string, product: Perturbed) => {
      const segment = this.#layout.find(name);
      for (const [source, at] of [
        [mean, product.mean],
        [change, product.change],
      ] as const) {
        source(segment, this.#weights);
        this.#k.packRows(at, this.#weights, product.k, product.k, product.n, FLOATS, 0, product.n);
      }
      draw(product.inputSigns, product.k);
      draw(product.outputSigns, product.n);
    };
    const table = this.#layout.find("embedding.weight");
    mean(table, this.#embedding.mean);
    change(table, this.#embedding.change);
    draw(this.#tokenSigns, this.#model.vocabulary);
    draw(this.#widthSigns, this.#model.embedding);
    const { prefix, apart } = this.#cell;
    const wide = this.#wide;
    for (const [l, { inputs, recurrent, at }] of this.#layers.entries()) {
      pack(`${prefix}.weight_ih_l${l}`, inputs);
      pack(`${prefix}.weight_hh_l${l}`, recurrent);
      mean(this.#layout.find(`${prefix}.bias_ih_l${l}`), at.bias);
      mean(this.#layout.find(`${prefix}.bias_hh_l${l}`), apart ? at.stateBias : this.#weights);
      if (!apart) this.#k.axpby(at.bias, 1, this.#weights, 1, wide);
    }
    if (this.#attended) pack(ATTENTION, this.#attended);
    if (this.#projection) pack("projection.weight", this.#projection);
    pack(tied ? "embedding.weight" : "output.weight", this.#output);
    if (tied) this.#tieSigns();
    mean(this.#layout.find("output.bias"), this.#outputBias);
    this.reset();
  }

  /** Tied weights are one matrix with one perturbation: its rows' and columns' signs are the embedding's. */
  #tieSigns(): void {
    const { n, k, outputSigns, inputSigns } = this.#output;
    this.#k.copyBytes(outputSigns, this.#tokenSigns, this.#samples * n * BYTES);
    this.#k.copyBytes(inputSigns, this.#widthSigns, this.#samples * k * BYTES);
  }

  /** Zeroes the states, for a text that begins. */
  reset(): void {
    const count = this.#samples * this.#model.hidden;
    for (const { at } of this.#layers) {
      this.#plan.floats(at.c, count).fill(0);
      this.#plan.floats(at.h, count).fill(0);
    }
    this.#attention?.reset();
  }

  /** What the states are made of, the last layer's outputs, [samples, hidden], at the end. */
  get states(): Piece[] {
    const size = this.#samples * this.#model.hidden;
    const layers = this.#layers.flatMap(({ at }) => (this.#cell.states > 1 ? [at.c, at.h] : [at.h]));
    return [...(this.#attention?.states ?? []), ...layers.map((at): Piece => [at, size])];
  }

  /** Reads a token into every sample's state. @throws SviError `E_TOKEN_RANGE` */
  read(token: number): void {
    this.#embed(token);
    let below = this.#embedded;
    for (const { inputs, recurrent, at } of this.#layers) {
      this.#times(inputs, below, at.gates, false);
      this.#times(recurrent, at.hBefore, at.products, !this.#cell.apart);
      this.#cell.step(this.#k, at);
      below = at.h;
    }
    this.#attention?.read(token, below);
  }

  /** e_s = M[token] + c_s[token]·ΔW[token] ∘ r_s. */
  #embed(token: number): void {
    const { vocabulary, embedding } = this.#model;
    requireToken(token, vocabulary);
    const bytes = embedding * BYTES;
    const signs = this.#plan.floats(this.#tokenSigns, this.#samples * vocabulary);
    for (let s = 0; s < this.#samples; s++) {
      const row = this.#embedded + s * bytes;
      const sign = signs[s * vocabulary + token];
      this.#k.axpby(this.#signed, sign, this.#embedding.change + token * bytes, 0, embedding);
      this.#k.copyBytes(row, this.#embedding.mean + token * bytes, bytes);
      this.#k.addSigned(row, this.#signed, this.#widthSigns + s * bytes, embedding);
    }
  }

  #gemm(n: number, k: number, x: number, packed: number, y: number, stride: number, adding: number): void {
    this.#k.gemm(this.#samples, n, k, x, k, 0, packed, y, stride, adding, this.#scratch, FLOATS, 0, n);
  }

  /** y[samples, n] (+)= x·Mᵀ + ((x ∘ c)·ΔWᵀ) ∘ r. */
  #times({ n, k, mean, change, inputSigns, outputSigns }: Perturbed, x: number, y: number, adding: boolean) {
    const samples = this.#samples;
    this.#gemm(n, k, x, mean, y, n, Number(adding));
    this.#k.maskRows(this.#signed, x, inputSigns, samples, samples, k);
    this.#gemm(n, k, this.#signed, change, this.#changes, n, 0);
    this.#k.addSigned(y, this.#changes, outputSigns, samples * n);
  }

  /** What the output layer reads, made of the last layer's outputs. */
  #attend(h: number): number {
    if (!this.#attention || !this.#attended) return h;
    this.#attention.attend(h, this.#joined);
    this.#times(this.#attended, this.#joined, this.#out, false);
    this.#k.tanhArray(this.#out, this.#out, this.#samples * this.#model.hidden);
    return this.#out;
  }

  /** Every sample's probabilities of the next token, to `probabilities`; `nll` tells whether they are numbers. */
  predict(): void {
    const { vocabulary } = this.#model;
    const { n, k, mean, change, inputSigns, outputSigns } = this.#output;
    const samples = this.#samples;
    let top = this.#attend(this.#layers.at(-1)!.at.h);
    if (this.#projection) {
      this.#times(this.#projection, top, this.#projected, false);
      top = this.#projected;
    }
    this.#gemm(n, k, top, mean, this.probabilities, this.stride, 0);
    this.#k.maskRows(this.#signed, top, inputSigns, samples, samples, k);
    this.#gemm(n, k, this.#signed, change, this.#changes, n, 0);
    for (let s = 0; s < samples; s++)
      this.#k.addSigned(
        this.probabilities + s * this.stride * BYTES,
        this.#changes + s * n * BYTES,
        outputSigns + s * n * BYTES,
        n,
      );
    this.#k.probabilities(
      this.probabilities,
      this.#outputBias,
      this.#targets,
      this.nll,
      samples,
      vocabulary,
      this.stride,
    );
  }
}
