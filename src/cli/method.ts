/** @module The options of the inference method, and which of them each method has. */
import { adam, bayesByBackprop, gaussianPrior, ivon, type Method, sgd } from "../inference/public.ts";
import { UsageError, type Values } from "./command.ts";

export const METHOD = {
  method: {
    kind: "choice",
    choices: ["ivon", "bbb", "adam", "sgd"],
    default: "ivon",
    help: "ivon, bbb: a posterior over the weights; adam, sgd: maximum likelihood",
  },
  lr: {
    kind: "number",
    value: "X",
    help: "learning rate at its highest (default ivon 8, bbb 0.006, adam 0.01, sgd 1)",
  },
  clip: { kind: "number", value: "X", default: 1, help: "bound on the gradient's norm; Infinity for none" },
  "prior-scale": {
    kind: "number",
    value: "X",
    help: "standard deviation of the Gaussian prior (default ivon 0.3, bbb 1; adam, sgd: none)",
  },
  lambda: {
    kind: "number",
    value: "X",
    help: "effective number of tokens (default those of the text)",
  },
  particles: { kind: "number", default: 1, help: "ivon, bbb: samples of the weights in a step" },
  "kl-warmup": {
    kind: "number",
    value: "X",
    help: "part of the run in which the KL (bbb, default 0) or the noise (ivon, default three passes, at most 0.6) rises",
  },
} as const;

/** Of a posterior; a point estimate has nothing that they could mean. */
const BAYESIAN = ["lambda", "particles", "kl-warmup"] as const;

/** @throws UsageError for an option that the method does not have; SviError `E_OPTION` for one out of range */
export function methodOf(options: Values<typeof METHOD>): Method {
  const kind = options.method ?? "ivon";
  const common = { learningRate: options.lr, clip: options.clip, prior: priorOf(options["prior-scale"]) };
  if (kind === "adam" || kind === "sgd") {
    const stray = BAYESIAN.find((name) => options[name] !== undefined);
    if (stray) throw new UsageError(`--${stray} does not apply to --method ${kind}`);
    return kind === "adam" ? adam(common) : sgd(common);
  }
  const bayesian = { ...common, lambda: options.lambda, particles: options.particles };
  if (kind === "bbb") return bayesByBackprop({ ...bayesian, klWarmup: options["kl-warmup"] });
  return ivon({ ...bayesian, noiseRamp: options["kl-warmup"] });
}

function priorOf(scale: number | undefined) {
  return scale === undefined ? undefined : gaussianPrior(scale);
}
