/** @module What recurrent layers differ in: the element-wise half of a timestep. */
import type { Address } from "../../kernels/address.ts";
import type { KernelExports } from "../../kernels/generated/signatures.ts";
import type { LoopRecorder } from "../../kernels/tape.ts";
import type { Init } from "./layer.ts";

/** Of the first timestep that a loop does; all but the bias and what is carried are [rows, …]. */
export interface CellRows {
  readonly batch: number;
  readonly hidden: number;
  /** Products of the inputs, [gates·hidden]; then activations; then, going back, gradients. */
  readonly gates: Address;
  /** Products of the state: in `gates` already, or beside them where the cell keeps them apart. */
  readonly products: Address;
  /** Of the inputs, or of both where they are not apart; of the state. */
  readonly bias: Address;
  readonly stateBias: Address;
  /** The state that the timestep reads, and the one that it makes: outputs, and cells where there are any. */
  readonly hBefore: Address;
  readonly cBefore: Address;
  readonly h: Address;
  readonly c: Address;
  /** Gradient of the outputs, and what is carried element by element to the timestep before, [batch, hidden]. */
  readonly dh: Address;
  readonly carried: Address;
}

/** Addresses of one timestep of one lane, or of a few. */
export type CellStep = Omit<CellRows, "dh" | "carried">;

export interface Cell {
  /** What PyTorch names its tensors by. */
  readonly prefix: string;
  /** Gates of a unit. */
  readonly gates: number;
  /** Arrays that are carried from step to step: outputs, and cells. */
  readonly states: 1 | 2;
  /** Whether products of the state are kept apart from those of the inputs, each with a bias of its own. */
  readonly apart: boolean;
  /** First values of the bias of the inputs, and of the state. */
  biases(hidden: number): readonly [Init, Init];
  /** Both on a loop; `step` is how many bytes [batch, hidden] of the next timestep lie ahead. */
  forward(k: LoopRecorder, at: CellRows, step: number): void;
  backward(k: LoopRecorder, at: CellRows, step: number): void;
  /** At once, token by token. */
  step(k: KernelExports, at: CellStep): void;
}
