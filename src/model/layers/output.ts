/** @module What turns the outputs of the last layer into probabilities of all tokens, and into a loss. */
import type { Address } from "../../kernels/address.ts";
import type { LayerContext, Rows } from "./layer.ts";

/** Where a window's targets and what is made of them lie. */
export interface OutputBuffers {
  /** [rows]. */
  readonly targets: Address;
  /** Negative log-likelihoods, [rows]. */
  readonly nll: Address;
  /** [chunkRows, logitStride], what the output layer makes of a chunk of rows. */
  readonly logits: Address;
  readonly chunkRows: number;
  readonly logitStride: number;
}

/** What an output layer is built on; its own buffers are added to the plan. */
export interface OutputContext extends LayerContext {
  readonly buffers: OutputBuffers;
  /** Width of what it reads. */
  readonly width: number;
}

/** Rows whose probabilities stand in `logits`. */
export interface Chunk {
  readonly row: number;
  readonly rows: number;
}

/** Where gradients go. */
export interface OutputGradients {
  /** The flat vector. */
  readonly flat: Address;
  /** [rows, width], those of what the layer reads. */
  readonly inputs: Address;
}

export interface OutputLayer {
  /** Takes the targets of a window, [rows]: ids of the vocabulary, and -1 for those that are not scored. */
  setTargets(targets: Int32Array): void;
  /** Packs the weights of the flat vector at `theta`. */
  pack(theta: Address): void;
  /**
   * Chunk by chunk: at each visit `logits` holds probabilities, [rows, logitStride], and `nll` the rows' negative
   * log-likelihoods; what the visit records comes before the next chunk.
   */
  probabilities(theta: Address, top: Rows, visit: (chunk: Chunk) => void): void;
}

/** One that is learnt by, or measured. */
export interface LossLayer extends OutputLayer {
  /**
   * Cross-entropy of the rows, each one's in `nll`; with a place for them also the gradients of the mean over those that are scored.
   * @param take gets the sum over rows of the negative log-likelihood, in nats
   */
  loss(theta: Address, top: Rows, gradients: OutputGradients | null, take: (nll: number) => void): void;
}
