/** @module The kernels of training: a binary of their own, on the memory of those that predict. */

import type { KernelSet } from "./calls.ts";
import { compile, compileLater } from "./compile.ts";
import * as order from "./generated/arguments.ts";
import { trainingText } from "./generated/parts.ts";
import type { KernelExports } from "./generated/signatures.ts";
import { instantiate, instantiateLater } from "./loader.ts";
import { bytesOfText } from "./printable.ts";
import { allCalls } from "./trainingCalls.ts";

/** In both binaries, of floats in the one and of int16 in the other. */
const PRODUCTS = {
  gemm: order.gemm,
  gemmPair: order.gemmPair,
  packRows: order.packRows,
  packedSize: order.packedSize,
};

/** Not `module`, which a bundle that is wrapped as CommonJS finds taken. */
let compiled: WebAssembly.Module | undefined;

/** For training and evaluation: all kernels. */
export const TRAINING: KernelSet = {
  calls: allCalls,

  extend(own) {
    compiled ??= compile(bytesOfText(trainingText));
    return joined(own, instantiate(compiled, own.memory));
  },

  async extendLater(own) {
    compiled ??= await compileLater(bytesOfText(trainingText));
    return joined(own, await instantiateLater(compiled, own.memory));
  },
};

type Numbers = Record<string, (...args: number[]) => number>;

/** The data of `more` lies behind that of `own`: its `heapBase` is the one of both. */
function joined(own: KernelExports, more: KernelExports): KernelExports {
  const products = Object.entries(PRODUCTS).map(([name, names]) => {
    const form = names.split(" ").indexOf("form");
    const [float32, int16] = [own, more].map((exports) => (exports as unknown as Numbers)[name]);
    return [name, (...args: number[]) => (args[form] ? int16 : float32)(...args)];
  });
  return { ...own, ...more, ...Object.fromEntries(products) };
}
