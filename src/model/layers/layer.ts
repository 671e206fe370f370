/** @module What a layer is: tensors with roles, and how a window goes through it and back, as calls on a tape. */
import type { Address } from "../../kernels/address.ts";
import type { MemoryPlan } from "../../kernels/memory.ts";
import type { Tape } from "../../kernels/tape.ts";
import type { ModelConfiguration } from "../configuration.ts";
import type { Layout } from "../layout.ts";
import type { Products } from "../products.ts";

/**
 * What a tensor does: hold the embeddings, read them, read a layer's own state, read the layer below, make logits, be
 * added. Biases have neither noise nor prior.
 */
export type Role = "embedding" | "input" | "recurrent" | "inner" | "output" | "bias";

/** First values: normal, or uniform between −1/√width and 1/√width but for a range of one value. */
export type Init =
  | { readonly kind: "normal" }
  | {
      readonly kind: "uniform";
      readonly width: number;
      readonly fill?: { readonly from: number; readonly to: number; readonly value: number };
    };

/** Names and shapes are PyTorch's. */
export interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly role: Role;
  readonly init: Init;
}

/** Rows of activations. */
export interface Rows {
  /** [count, width]. */
  readonly at: Address;
  readonly count: number;
  readonly width: number;
  /** Whether these are the distinct rows of a window, of which `places` says which one each of its rows is. */
  readonly distinct: boolean;
}

export interface WindowShape {
  /** Lanes that run side by side. */
  readonly batch: number;
  /** Longest window, in timesteps. */
  readonly sequence: number;
  /** Whether `backward` will be called. */
  readonly training: boolean;
  /** Whether dropout masks will be set. */
  readonly dropout: boolean;
  /** Whether lanes can be reset within a window. */
  readonly resets: boolean;
}

/**
 * What the rows of a window may attend to, [rows]: the timesteps `from` up to, not including, `to` of their own lane;
 * equal ones for none.
 */
export interface SourceRanges {
  readonly from: Int32Array;
  readonly to: Int32Array;
}

/** The window at hand. */
export interface Window {
  steps: number;
  /** Timesteps × lanes. */
  rows: number;
  /** Targets that are scored, at least 1: what a mean is taken over. */
  scored: number;
  /** Distinct tokens. */
  distinct: number;
  /** The tokens, [rows]; with attention alone. */
  inputs: Int32Array;
  /** What rows attend to; null where they find it themselves. */
  sources: SourceRanges | null;
}

/** What layers use in turn. */
export interface Shared {
  /** Ids of the window's distinct tokens (of every row, with dropout), and which of them a row has. */
  readonly ids: Address;
  readonly places: Address;
  /** [rows], 0 where a lane starts anew; with resets only. */
  readonly keep: Address;
  /** Room for the packed right-hand side of a weight gradient, and of the one that is made beside it. */
  readonly packedRows: Address;
  readonly packedInputs: Address;
}

export interface LayerContext {
  readonly plan: MemoryPlan;
  readonly tape: Tape;
  readonly products: Products;
  readonly model: ModelConfiguration;
  readonly layout: Layout;
  readonly shape: WindowShape;
  readonly window: Window;
  readonly shared: Shared;
}

/** `theta` and `gradient` are addresses of flat vectors, in which a layer knows its tensors' places. */
export interface Layer {
  /** Packs what is used at all timesteps. */
  pack?(theta: Address): void;
  /** @returns the layer's outputs */
  forward(theta: Address, input: Rows): Rows;
  /**
   * Writes the gradients of the tensors; after `forward` of the same window.
   * @param above gradients of the outputs
   * @param below room for those of the inputs
   * @returns where those of the inputs are: `below`, or `above`, in place
   */
  backward(gradient: Address, above: Address, below: Address): Address;
  /** Floats of a state that is carried from window to window. */
  readonly stateSize?: number;
  loadState?(from: Address): void;
  saveState?(to: Address): void;
}

/** Room where it is wanted, else 0. */
export function wordsIf(plan: MemoryPlan, wanted: boolean, count: number): Address {
  return wanted ? plan.words(count) : 0;
}

/** Bytes from the beginning of a flat vector to a tensor. */
export function placeOf({ layout }: { readonly layout: Layout }, name: string): number {
  return 4 * layout.find(name).offset;
}
