/** @module The options of the inference method, and which of them each method has. */
import { METHODS, type Method, type MethodKind } from "../inference/methods.ts";
import { gaussianPrior } from "../inference/public.ts";
import type { Values } from "./command.ts";
import { UsageError } from "./usage.ts";

const KINDS = Object.keys(METHODS).reverse() as MethodKind[];
const RATES = KINDS.map(
  (kind) => `${kind} ${METHODS[kind].describe().learningRate ?? "by the length of the run"}`,
).join(", ");

export const METHOD = {
  method: {
    kind: "choice",
    choices: KINDS,
    default: "ivon",
    help: "ivon, bbb: a posterior over the weights; the others: maximum likelihood",
  },
  lr: {
    kind: "number",
    value: "X",
    help: `learning rate at its highest (default ${RATES})`,
  },
  clip: {
    kind: "number",
    value: "X",
    help: "bound on the gradient's norm; Infinity for none (default ivon 0.3, the others 1)",
  },
  "prior-scale": {
    kind: "number",
    value: "X",
    help: "standard deviation of the Gaussian prior (default ivon 0.3, bbb 1; adam, sgd: none)",
  },
  "weight-decay": { kind: "number", value: "X", help: "adamw: decay of the weights (default 0.01)" },
  lambda: {
    kind: "number",
    value: "X",
    help: "effective number of tokens (default those of the text)",
  },
  noiseless: { kind: "flag", help: "ivon: gradients at the mean of the weights, which is a point estimate" },
  particles: { kind: "number", default: 1, help: "ivon, bbb: samples of the weights in a step" },
  "kl-warmup": {
    kind: "number",
    value: "X",
    help: "part of the run in which the KL (bbb, default 0) or the noise (ivon, default three epochs, at most 0.6) rises",
  },
} as const;

/** What the library calls each flag; the noise's rise takes the place of the KL's where a method has no such. */
const NAMES = {
  lr: ["learningRate"],
  clip: ["clip"],
  "prior-scale": ["prior"],
  "weight-decay": ["weightDecay"],
  lambda: ["lambda"],
  particles: ["particles"],
  "kl-warmup": ["klWarmup", "noiseRamp"],
} as const satisfies Record<string, readonly string[]>;

/** @throws UsageError for an option that the method does not have; SviError `E_OPTION` for one out of range */
export function methodOf(options: Values<typeof METHOD>): Method {
  const kind = options.method ?? "ivon";
  const known = METHODS[kind].describe();
  const described: Record<string, unknown> = {};
  for (const [flag, names] of Object.entries(NAMES)) {
    const value = options[flag as keyof typeof NAMES];
    if (value === undefined) continue;
    const name = names.find((candidate) => candidate in known);
    if (name === undefined) throw new UsageError(`--${flag} does not apply to --method ${kind}`);
    described[name] = name === "prior" ? gaussianPrior(value) : value;
  }
  if (options.noiseless) {
    if (kind !== "ivon") throw new UsageError(`--noiseless does not apply to --method ${kind}`);
    described.noise = false;
  }
  return METHODS[kind].describe(described as never);
}
