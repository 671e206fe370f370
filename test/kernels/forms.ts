/** Kernels called by position, as tests do: what is not given is 0, as WebAssembly has it. */
import { FORM, type ProductForm } from "../../src/kernels/forms.ts";
import type { KernelExports } from "../../src/kernels/generated/signatures.ts";

/** The same kernels, with plain numbers for addresses, and whose last arguments may be omitted. */
export type LooseKernels = {
  readonly [K in keyof KernelExports]: KernelExports[K] extends (...args: infer A) => infer R
    ? (...args: Partial<{ [I in keyof A]: number }>) => R
    : KernelExports[K];
};

export function loosely(k: KernelExports): LooseKernels {
  return k as unknown as LooseKernels;
}

const PRODUCTS = ["packedSize", "packColumns", "packRows", "gemm", "gemmPair"] as const;

/** The kernels with the products of a form, which is the argument after those that both forms have. */
export function kernelsOfForm(k: KernelExports | LooseKernels, form: ProductForm): LooseKernels {
  const products = PRODUCTS.map((name) => [
    name,
    (...args: number[]) => (k[name] as (...args: number[]) => number)(...args, FORM[form]),
  ]);
  return { ...k, ...Object.fromEntries(products) } as LooseKernels;
}
