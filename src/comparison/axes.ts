/** @module What is tuned: the axes, where they begin, and what one of their values makes of a setting. */
import { type MethodSpec, methodOf } from "./run.ts";
import { type Axis, geometric, tidy } from "./tuning.ts";

/** A method's setting before length, seed and occasion are known; its tokens are a share of a run's. */
export interface Draft {
  readonly method: MethodSpec;
  readonly dropout?: number;
  /** Decay of a moving average of the weights. */
  readonly average?: number;
  /** Runs whose predictions are averaged. */
  readonly ensemble?: number;
  readonly length: number;
}

type Kind = MethodSpec["kind"];

/**
 * Where tuning starts. A momentum of 0.6 and, for Adam, a β2 of 0.98 serve runs of a thousand steps better than
 * the customary 0.9 and 0.999: no baseline is held to defaults that were made for longer ones.
 */
export const STARTS = {
  sgd: { kind: "sgd", momentum: 0.6 },
  adam: { kind: "adam", beta1: 0.6, beta2: 0.98 },
  adamw: { kind: "adamw", beta1: 0.6, beta2: 0.98, weightDecay: 1 },
  map: { kind: "adam", beta1: 0.6, beta2: 0.98, prior: { kind: "gaussian", scale: 0.3 } },
  bbb: { kind: "bbb", beta1: 0.6, beta2: 0.98, temperature: 0.2 },
  noiseless: { kind: "ivon", noise: false },
  ivon: { kind: "ivon" },
} as const satisfies Record<string, MethodSpec>;

const ADAM = [0.003, 0.006, 0.012, 0.024];
const RATES: Readonly<Record<Kind, readonly number[]>> = {
  sgd: [1, 2, 4, 8],
  adam: ADAM,
  adamw: ADAM,
  bbb: ADAM,
  ivon: [5, 10, 20, 40],
};
const RATE = "learning rate";
/** Adam's losses on characters have a second valley, two steps beyond a first one: 0.048 is better than 0.012, 0.024 worse. */
export const rates = (kind: Kind) => geometric(RATE, RATES[kind], 2, { beyond: 2 });
/** Around the one that stands, which is among them: its run is there already. */
export function ratesAround({ method }: Draft, trials: number): Axis {
  const rate = methodOf(method).learningRate ?? RATES[method.kind][0];
  return geometric(RATE, trials === 1 ? [rate] : [tidy(rate / 2), rate, tidy(rate * 2)], 2);
}

const STEPS_OF_MOMENTUM = [0, 0.3, 0.6, 0.9, 0.97];
export const MOMENTA = listed("momentum", [0.3, 0.6, 0.9], STEPS_OF_MOMENTUM);
const STEPS_OF_CLIP = [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];
/** Bound on the gradient's norm. With one that is below every step's norm all steps are as long as the rate says. */
export const CLIPS = listed("clip", [0.03, 0.1, 0.3, 1], STEPS_OF_CLIP);
export const lengths = (start: number) =>
  geometric(
    "length",
    [0.5, 0.75, 1].map((share) => share * start),
    1.5,
    { most: 1 },
  );
export const TEMPERATURES = geometric("temperature", [0.04, 0.2, 1], 5, { least: 1e-3, most: 25 });
export const PRIORS = geometric("prior scale", [0.1, 0.3, 1], 3, { most: 9 });
/** 30 times the usual 0.1 is best on little data (Kim et al. 2025): the grid reaches 100 times, and further where that is best. */
export const DECAYS = geometric("weight decay", [0.3, 1, 3, 10], 3, { least: 1e-3, most: 100 });
export const DROPOUTS: Axis = {
  name: "dropout",
  values: [0.1, 0.2, 0.3, 0.4],
  smaller: (value) => (value > 0.02 ? value / 2 : null),
  larger: (value) => (value < 0.8 ? Number((value + 0.1).toFixed(2)) : null),
};
/** 0 for none. */
export const AVERAGES = listed(
  "average's decay",
  [0, 0.9, 0.97, 0.99],
  [0, 0.8, 0.9, 0.97, 0.99, 0.997, 0.999],
);

/** Values that are extended along a list. */
function listed(name: string, values: readonly number[], steps: readonly number[]): Axis {
  return {
    name,
    values,
    smaller: (value) => steps.findLast((step) => step < value) ?? null,
    larger: (value) => steps.find((step) => step > value) ?? null,
  };
}

export function withValue(draft: Draft, axis: string, value: number): Draft {
  const { method } = draft;
  const changed = (options: object) => ({ ...draft, method: { ...method, ...options } as MethodSpec });
  switch (axis) {
    case "length":
      return { ...draft, length: value };
    case DROPOUTS.name:
      return { ...draft, dropout: value };
    case AVERAGES.name:
      return { ...draft, average: value === 0 ? undefined : value };
    case TEMPERATURES.name:
      return changed({ temperature: value });
    case PRIORS.name:
      return changed({ prior: { kind: "gaussian", scale: value } });
    case DECAYS.name:
      return changed({ weightDecay: value });
    case MOMENTA.name:
      return { ...draft, method: withMomentum(method, value) };
    case CLIPS.name:
      return { ...draft, method: withClip(method, value) };
    default:
      return changed({ learningRate: value });
  }
}

/** SGD's velocity is a sum: its rate is scaled so that a step stays as long as it was. */
function withMomentum(method: MethodSpec, momentum: number): MethodSpec {
  if (method.kind !== "sgd") return { ...method, beta1: momentum };
  const { learningRate = 1, momentum: before = 0.9 } = method;
  return { ...method, momentum, learningRate: (learningRate * (1 - momentum)) / (1 - before) };
}

/**
 * SGD's and IVON's steps are in proportion to the gradient: their rate is scaled so that a clipped step stays as long
 * as it was. Adam's do not depend on the gradient's scale.
 */
function withClip(method: MethodSpec, clip: number): MethodSpec {
  const { kind, learningRate, clip: before } = methodOf(method);
  const proportional = kind === "sgd" || kind === "ivon";
  if (!proportional || clip === before || learningRate === null) return { ...method, clip };
  return { ...method, clip, learningRate: tidy((learningRate * before) / clip) };
}

export function settingOf({ method, dropout, average, ensemble }: Draft, tokens: number) {
  return {
    method,
    tokens,
    ...(dropout === undefined ? {} : { dropout }),
    ...(average === undefined ? {} : { average }),
    ...(ensemble === undefined ? {} : { ensemble }),
  };
}
