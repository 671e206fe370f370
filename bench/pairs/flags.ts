/** @module Flags that the benches of pairs share. */
import { parseArgs } from "node:util";
import type { Kernels, ProductForm } from "../../src/entries/index.ts";
import { threads } from "../../src/entries/threads.ts";

export interface Flags {
  readonly data: string | undefined;
  readonly json: boolean;
  /** Pairs to train on at most; tests are of a fifth as many. Infinity for all. */
  readonly sentences: number;
  readonly epochs: number;
  readonly seeds: readonly number[];
  readonly hidden: number;
  readonly layers: number;
  readonly embedding: number;
  readonly vocabulary: number;
  readonly batch: number;
  readonly samples: number;
  readonly beam: number;
  /** Learning rates and dropouts among which maximum likelihood is tuned, on the validation loss of the first seed. */
  readonly rates: readonly number[];
  readonly dropouts: readonly number[];
  /** Learning rates among which `ivon()` is tuned likewise. */
  readonly ivonRates: readonly number[];
  readonly products: ProductForm;
  readonly stress: boolean;
  /** Without attention. */
  readonly plain: boolean;
  /** Sources from their end. */
  readonly reversed: boolean;
  readonly cache: string;
  readonly kernels: (Kernels & { dispose(): Promise<void> }) | undefined;
  readonly note: (text: string) => void;
}

export type Defaults = Partial<
  Record<"epochs" | "hidden" | "layers" | "embedding" | "vocabulary" | "batch" | "beam", number>
>;

const numbers = (list: string) => list.split(",").map(Number);

export async function readFlags(defaults: Defaults): Promise<Flags> {
  const or = (name: keyof Defaults, otherwise: number) => String(defaults[name] ?? otherwise);
  const { values } = parseArgs({
    allowPositionals: true,
    options: {
      data: { type: "string" },
      json: { type: "boolean", default: false },
      sentences: { type: "string", default: "Infinity" },
      epochs: { type: "string", default: or("epochs", 10) },
      seeds: { type: "string", default: "1,2,3" },
      hidden: { type: "string", default: or("hidden", 256) },
      layers: { type: "string", default: or("layers", 1) },
      embedding: { type: "string", default: or("embedding", 64) },
      vocabulary: { type: "string", default: or("vocabulary", 4000) },
      batch: { type: "string", default: or("batch", 32) },
      samples: { type: "string", default: "8" },
      beam: { type: "string", default: or("beam", 5) },
      rates: { type: "string", default: "0.001,0.002,0.004" },
      dropouts: { type: "string", default: "0,0.2,0.4" },
      "ivon-rates": { type: "string", default: "1.5,3,6" },
      products: { type: "string", default: "float32" },
      stress: { type: "boolean", default: false },
      plain: { type: "boolean", default: false },
      reversed: { type: "boolean", default: false },
      cache: { type: "string", default: "build/pairs" },
      threads: { type: "string", default: "1" },
    },
  });
  const { data, json, stress, plain, reversed, cache } = values;
  const number = (name: "sentences" | "epochs" | "samples" | keyof Defaults) => {
    const value = Number(values[name]);
    if (!(value > 0)) throw new Error(`--${name} is ${values[name]}`);
    return value;
  };
  const count = Number(values.threads);
  return {
    data,
    json,
    stress,
    plain,
    reversed,
    cache,
    sentences: number("sentences"),
    epochs: number("epochs"),
    seeds: numbers(values.seeds),
    hidden: number("hidden"),
    layers: number("layers"),
    embedding: number("embedding"),
    vocabulary: number("vocabulary"),
    batch: number("batch"),
    samples: number("samples"),
    beam: number("beam"),
    rates: numbers(values.rates),
    dropouts: numbers(values.dropouts),
    ivonRates: numbers(values["ivon-rates"]),
    products: values.products as ProductForm,
    kernels: count > 1 ? await threads({ count }) : undefined,
    note: (text) => void process.stderr.write(`${text}\n`),
  };
}
