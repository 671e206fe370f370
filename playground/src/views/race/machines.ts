/**
 * @module Machines whose figures stand in docs/lab (peers.md, kernels.md): model A in float32 by Node 24 on one thread,
 * trained by Adam, whose step takes a twentieth less time than the benchmark's.
 */

interface Machine {
  readonly name: string;
  readonly product: number | null;
  readonly training: number;
  readonly prediction: number | null;
}

export const MACHINES: readonly Machine[] = [
  { name: "AMD EPYC, Zen 4, 3.7 GHz", product: 54.9, training: 9144, prediction: 51 },
  { name: "Intel Xeon 1, 2.6 GHz", product: null, training: 7787, prediction: 108 },
  { name: "Intel Xeon 3, 2.6 GHz", product: null, training: 6919, prediction: null },
  { name: "AMD EPYC, Zen 3", product: null, training: 6164, prediction: null },
];
