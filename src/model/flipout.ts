/**
 * @module One token at a time through S samples at once that share a mean M and one perturbation ΔW, each with
 * signs r, c of its own held over time (Flipout, Wen et al. 2018): y_s = x_s·Mᵀ + ((x_s ∘ c_s)·ΔWᵀ) ∘ r_s.
 *
 * Each sample alone is distributed as an independent one, where the posterior is symmetric around its mean; any
 * two of them depend on each other through the sizes in ΔW. An embedding is a product with one-hot rows: its
 * c is a sign for each token.
 */
import type { KernelExports } from "../kernels/generated/signatures.ts";
import type { MemoryPlan } from "../kernels/memory.ts";
import type { ModelConfiguration } from "./configuration.ts";
import type { Layout } from "./layout.ts";
import { requireToken, type WeightSource } from "./stepper.ts";

const BYTES = 4;
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
  readonly bias: number;
  /** [samples, hidden]. */
  readonly cell: number;
  readonly outputs: number;
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
  readonly #output: Perturbed;
  readonly #outputBias: number;
  readonly #embedded: number;
  readonly #gates: number;
  readonly #signed: number;
  readonly #changes: number;
  readonly #targets: number;
  readonly #weights: number;
  readonly #scratch: number;

  constructor(plan: MemoryPlan, model: ModelConfiguration, layout: Layout, samples: number) {
    const { vocabulary, embedding, hidden, layers } = model;
    this.#plan = plan;
    this.#k = plan.instance.exports;
    this.#model = model;
    this.#layout = layout;
    this.#samples = samples;
    const table = () => plan.words(vocabulary * embedding);
    this.#embedding = { mean: table(), change: table() };
    this.#tokenSigns = plan.words(samples * vocabulary + DRAWN);
    this.#widthSigns = plan.words(samples * embedding + DRAWN);
    this.#layers = Array.from({ length: layers }, (_, l) => ({
      inputs: this.#planProduct(4 * hidden, l === 0 ? embedding : hidden),
      recurrent: this.#planProduct(4 * hidden, hidden),
      bias: plan.words(4 * hidden),
      cell: plan.words(samples * hidden),
      outputs: plan.words(samples * hidden),
    }));
    this.#output = this.#planProduct(vocabulary, hidden);
    this.#outputBias = plan.words(vocabulary);
    this.stride = Math.ceil(vocabulary / 4) * 4;
    this.probabilities = plan.words(samples * this.stride);
    this.nll = plan.words(samples);
    this.#targets = plan.words(samples);
    this.#embedded = plan.words(samples * embedding);
    this.#gates = plan.words(samples * 4 * hidden);
    this.#signed = plan.words(samples * Math.max(embedding, hidden));
    this.#changes = plan.words(samples * Math.max(4 * hidden, vocabulary));
    this.#weights = plan.words(Math.max(...layout.segments.map((s) => s.size)));
    this.#scratch = plan.words(this.#k.gemmScratchSize() / BYTES);
    this.work = 2 * samples * (4 * hidden * (embedding + (2 * layers - 1) * hidden) + vocabulary * hidden);
  }

  #planProduct(n: number, k: number): Perturbed {
    const packed = () => this.#plan.words(this.#k.packedSize(n, k) + 16);
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
    const { hidden, tied } = this.#model;
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
        this.#k.packRows(at, this.#weights, product.k, product.k, product.n);
      }
      draw(product.inputSigns, product.k);
      draw(product.outputSigns, product.n);
    };
    const table = this.#layout.find("embedding.weight");
    mean(table, this.#embedding.mean);
    change(table, this.#embedding.change);
    draw(this.#tokenSigns, this.#model.vocabulary);
    draw(this.#widthSigns, this.#model.embedding);
    for (const [l, layer] of this.#layers.entries()) {
      pack(`lstm.weight_ih_l${l}`, layer.inputs);
      pack(`lstm.weight_hh_l${l}`, layer.recurrent);
      mean(this.#layout.find(`lstm.bias_ih_l${l}`), layer.bias);
      mean(this.#layout.find(`lstm.bias_hh_l${l}`), this.#weights);
      this.#k.axpby(layer.bias, 1, this.#weights, 1, 4 * hidden);
    }
    pack(tied ? "embedding.weight" : "output.weight", this.#output);
    if (tied) this.#tieSigns();
    mean(this.#layout.find("output.bias"), this.#outputBias);
    this.reset();
  }

  /** Tied weights are one matrix with one perturbation: its rows' and columns' signs are the embedding's. */
  #tieSigns(): void {
    const { vocabulary, hidden } = this.#model;
    this.#k.copyBytes(this.#output.outputSigns, this.#tokenSigns, this.#samples * vocabulary * BYTES);
    this.#k.copyBytes(this.#output.inputSigns, this.#widthSigns, this.#samples * hidden * BYTES);
  }

  /** Zeroes the states, for a text that begins. */
  reset(): void {
    const count = this.#samples * this.#model.hidden;
    for (const { cell, outputs } of this.#layers) {
      this.#plan.floats(cell, count).fill(0);
      this.#plan.floats(outputs, count).fill(0);
    }
  }

  /** Reads a token into every sample's state. @throws SviError `E_TOKEN_RANGE` */
  read(token: number): void {
    const { hidden } = this.#model;
    this.#embed(token);
    let below = this.#embedded;
    for (const { inputs, recurrent, bias, cell, outputs } of this.#layers) {
      this.#times(inputs, below, this.#gates, false);
      this.#times(recurrent, outputs, this.#gates, true);
      this.#k.lstmForward(this.#gates, bias, cell, cell, outputs, this.#samples, hidden);
      below = outputs;
    }
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

  /** y[samples, n] (+)= x·Mᵀ + ((x ∘ c)·ΔWᵀ) ∘ r. */
  #times({ n, k, mean, change, inputSigns, outputSigns }: Perturbed, x: number, y: number, adding: boolean) {
    const samples = this.#samples;
    this.#k.gemm(samples, n, k, x, k, 0, mean, y, n, Number(adding), this.#scratch);
    this.#k.maskRows(this.#signed, x, inputSigns, samples, samples, k);
    this.#k.gemm(samples, n, k, this.#signed, k, 0, change, this.#changes, n, 0, this.#scratch);
    this.#k.addSigned(y, this.#changes, outputSigns, samples * n);
  }

  /** Every sample's probabilities of the next token, to `probabilities`; `nll` tells whether they are numbers. */
  predict(): void {
    const { vocabulary, hidden } = this.#model;
    const { n, k, mean, change, inputSigns, outputSigns } = this.#output;
    const samples = this.#samples;
    const top = this.#layers.at(-1)!.outputs;
    this.#k.gemm(samples, n, k, top, k, 0, mean, this.probabilities, this.stride, 0, this.#scratch);
    this.#k.maskRows(this.#signed, top, inputSigns, samples, samples, hidden);
    this.#k.gemm(samples, n, k, this.#signed, k, 0, change, this.#changes, n, 0, this.#scratch);
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
