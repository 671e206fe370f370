/** @module Machines whose figures stand in docs/lab. */

interface Machine {
  readonly name: string;
  readonly product: number | null;
  readonly training: number;
  readonly prediction: number | null;
}

export const MACHINES: readonly Machine[] = [
  { name: "AMD EPYC (Zen 4), Node 24", product: 54.9, training: 9144, prediction: 51 },
];
