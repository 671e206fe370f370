/** @module The products of LSTM language models that kernels are measured at. */

/** C[m,n] = A·B of depth k. */
export interface Product {
  name: string;
  m: number;
  n: number;
  k: number;
  transposed?: boolean;
}

export const PRODUCTS: readonly Product[] = [
  { name: "recurrent, batch 20", m: 20, n: 1024, k: 256 },
  { name: "recurrent, batch 32", m: 32, n: 1024, k: 256 },
  { name: "recurrent, back", m: 20, n: 256, k: 1024 },
  { name: "inputs", m: 700, n: 1024, k: 128 },
  { name: "inputs, layer 2", m: 700, n: 1024, k: 256 },
  { name: "inputs, back", m: 700, n: 256, k: 1024 },
  { name: "weight gradient", m: 1024, n: 256, k: 700, transposed: true },
  { name: "logits, characters", m: 700, n: 96, k: 256 },
  { name: "logits, characters, gradient", m: 96, n: 256, k: 700, transposed: true },
  { name: "logits, 10,000 words", m: 64, n: 10_000, k: 200 },
  { name: "one token", m: 1, n: 1024, k: 256 },
  { name: "one token, 96 logits", m: 1, n: 96, k: 256 },
];
