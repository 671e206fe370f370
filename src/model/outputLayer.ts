/** @module What turns the outputs of the last layer into a loss, or into probabilities of all tokens. */
import type { MemoryPlan } from "../kernels/memory.ts";
import type { Buffers } from "./buffers.ts";
import type { ModelConfiguration } from "./configuration.ts";
import type { Layout } from "./layout.ts";
import type { Products, Slices } from "./products.ts";

/** What an output layer reads and writes of its network's; with gradients only: the last two. */
export type OutputBuffers = Pick<
  Buffers,
  "logits" | "chunkRows" | "logitStride" | "targets" | "nll" | "packedRows" | "dAbove"
>;

/** What an output layer is built on; its own buffers are added to the plan. */
export interface OutputContext {
  readonly plan: MemoryPlan;
  readonly model: ModelConfiguration;
  readonly layout: Layout;
  readonly products: Products;
  readonly buffers: OutputBuffers;
  /** Rows of the longest window. */
  readonly rows: number;
  /** Whether losses with gradients will be asked for. */
  readonly training: boolean;
}

/** The outputs of the last layer, [count, hidden]. */
export interface TopRows {
  readonly at: number;
  readonly count: number;
}

/** Rows whose probabilities stand in `buffers.logits`. */
export interface Chunk {
  readonly row: number;
  readonly rows: number;
}

export interface OutputLayer {
  /** Takes the targets of a window, [rows], all of them ids of the vocabulary. */
  setTargets(targets: Int32Array): void;
  /** Packs the weights of the flat vector at `theta`. */
  pack(theta: number): Slices;
  /**
   * Cross-entropy of the rows, each one's in `buffers.nll`; where `gradient` is not 0, also the gradients of the
   * mean: of this layer's weights, written to that flat vector, and of the rows, written to `buffers.dAbove`.
   * @returns the sum over rows of the negative log-likelihood, in nats
   */
  loss(theta: number, top: TopRows, gradient: number): Slices<number>;
  /**
   * Chunk by chunk: after each, `buffers.logits` holds probabilities, [rows, logitStride], and `buffers.nll` the
   * rows' negative log-likelihoods. Yields undefined between slices.
   */
  probabilities(theta: number, top: TopRows): Generator<Chunk | undefined, void, void>;
}
