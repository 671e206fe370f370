/** The kernels in two binaries: what prediction brings along, and what training adds on the same memory. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { PREDICTION } from "../../src/kernels/calls.ts";
import { KernelInstance } from "../../src/kernels/instance.ts";
import { defaultKernels } from "../../src/kernels/kernels.ts";
import { TRAINING } from "../../src/kernels/training.ts";
import { whole } from "./whole.ts";

const binary = (name: string) => new WebAssembly.Module(readFileSync(`build/kernels.${name}.wasm`));
const [prediction, training] = ["prediction", "training"].map(binary);
const functions = (module: WebAssembly.Module) =>
  WebAssembly.Module.exports(module)
    .filter(({ kind }) => kind === "function")
    .map(({ name }) => name);
/** What tests and benches alone call, of the whole binary. */
const APART = [
  "blockDepth",
  "cosTurnArray",
  "gemv",
  "maxAbs",
  "meanFieldGradientMixture",
  "panelColumns",
  "precisionArray",
  "readPeak",
  "sigmoidArray",
  "sinTurnArray",
  "softplusArray",
  "vectorWidth",
];

test("the two have all kernels that the package calls", () => {
  const all = [...new Set([...functions(prediction), ...functions(training), ...APART])].sort();
  expect(all).toEqual(functions(binary("simd")).sort());
});

test("that of prediction imports nothing, that of training a memory alone", () => {
  expect(WebAssembly.Module.imports(prediction)).toEqual([]);
  expect(WebAssembly.Module.imports(training)).toEqual([{ module: "env", name: "memory", kind: "memory" }]);
});

test("an instance has what it is made for", () => {
  const small = new KernelInstance(PREDICTION).exports;
  const large = new KernelInstance(TRAINING).exports;
  expect(small.adamStep).toBeUndefined();
  expect(large.adamStep).toBeTypeOf("function");
  expect(large.heapBase()).toBeGreaterThan(small.heapBase());
  for (const set of [PREDICTION, TRAINING])
    for (const name of Object.keys(set.calls())) expect(new KernelInstance(set).exports).toHaveProperty(name);
});

test("products in both are told apart by their form, with the sizes of the whole binary", () => {
  const split = new KernelInstance(TRAINING).exports;
  const { exports } = whole.instantiate();
  for (const form of [0, 1])
    expect(split.packedSize(100, 300, form)).toBe(exports.packedSize(100, 300, form));
  expect(split.packedSize(100, 300, 0)).not.toBe(split.packedSize(100, 300, 1));
});

test("what was prepared for one purpose is not taken for another", async () => {
  const kernels = defaultKernels();
  await kernels.prepare?.(PREDICTION);
  expect(kernels.instantiate(TRAINING).exports.adamStep).toBeTypeOf("function");
});
