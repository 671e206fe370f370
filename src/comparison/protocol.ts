/**
 * @module The protocol of a comparison: every method is tuned alike, then run with the same seeds.
 *
 * Each method has three axes, tuned one after the other on the validation text with a seed of its own: the
 * learning rate (four values), the momentum (three) and one of its own (three). A grid is extended until its best value
 * lies inside. What counts is the lowest validation loss on the way: early stopping is open to all.
 */
import { SviError } from "../errors.ts";
import { crossing, lowest } from "./crossing.ts";
import type { MethodSpec, RunRecord, Setting } from "./run.ts";
import { type Axis, geometric, type Trial, type Tuned, tune } from "./tuning.ts";

export const METHOD_NAMES = ["sgd", "adam", "dropout", "bbb", "ivon", "ivon-tuned", "ivon-short"] as const;
export type MethodName = (typeof METHOD_NAMES)[number];

/** What a person reads. */
export const TITLES: Readonly<Record<MethodName, string>> = {
  sgd: "SGD with momentum",
  adam: "Adam",
  dropout: "variational dropout",
  bbb: "Bayes by Backprop",
  ivon: "IVON, no arguments",
  "ivon-tuned": "IVON, tuned",
  "ivon-short": "IVON, short schedule",
};

/** Makes a run, or finds it; null where it diverged. */
export type Runner = (setting: Setting, label: string) => Promise<RunRecord | null>;

export interface Budget {
  /** Tokens of a full run. */
  readonly tokens: number;
  /** Part of them that a trial has. */
  readonly trialShare: number;
  /**
   * Part of a run's tokens that baselines are tuned with at first, default 1: where maximum likelihood overfits long
   * before the end, a schedule as long as the run is not a fair start.
   */
  readonly start?: number;
  /** Trials of each axis at least; 0 leaves every method at the library's defaults. */
  readonly trials: number;
  readonly seeds: readonly number[];
  /** With how many of the seeds the run of three times the tokens is made; 0 for none. */
  readonly longSeeds: number;
  /** Validations of a run, and of a trial. */
  readonly points: number;
  readonly trialPoints: number;
}

/** Not one of the seeds that results are made with. */
export const TUNING_SEED = 1001;
/** So many times the tokens, to see who overfits. */
export const LONG = 3;

export interface SeedRun {
  readonly seed: number;
  readonly setting: Setting;
  /** null where it diverged. */
  readonly record: RunRecord | null;
}

/** The records of one method. */
export interface MethodRuns {
  readonly name: MethodName;
  readonly tuning: readonly Tuned[];
  readonly runs: readonly SeedRun[];
  /** The same with three times the tokens. */
  readonly long: readonly SeedRun[];
}

/** A method's setting before length, seed and occasion are known; its tokens are a share of a run's. */
interface Draft {
  readonly method: MethodSpec;
  readonly dropout?: number;
  readonly length: number;
}

interface Chosen {
  readonly draft: Draft;
  readonly tuning: readonly Tuned[];
  /** Lowest validation loss of the trials. */
  readonly score: number;
}

/**
 * Where tuning starts. A momentum of 0.6 and, for Adam, a β2 of 0.98 serve runs of a thousand steps better than
 * the customary 0.9 and 0.999: no baseline is held to defaults that were made for longer ones.
 */
const STARTS = {
  sgd: { kind: "sgd", momentum: 0.6 },
  adam: { kind: "adam", beta1: 0.6, beta2: 0.98 },
  bbb: { kind: "bbb", beta1: 0.6, beta2: 0.98, temperature: 0.2 },
  ivon: { kind: "ivon" },
} as const satisfies Record<Kind, MethodSpec>;

type Kind = MethodSpec["kind"];
const RATES: Readonly<Record<Kind, readonly number[]>> = {
  sgd: [1, 2, 4, 8],
  adam: [0.003, 0.006, 0.012, 0.024],
  bbb: [0.003, 0.006, 0.012, 0.024],
  ivon: [2, 4, 8, 16],
};
const rates = (kind: Kind) => geometric("learning rate", RATES[kind], 2);
const STEPS_OF_MOMENTUM = [0, 0.3, 0.6, 0.9, 0.97];
const MOMENTA: Axis = {
  name: "momentum",
  values: [0.3, 0.6, 0.9],
  smaller: (value) => STEPS_OF_MOMENTUM.findLast((step) => step < value) ?? null,
  larger: (value) => STEPS_OF_MOMENTUM.find((step) => step > value) ?? null,
};
const lengths = (start: number) =>
  geometric(
    "length",
    [0.5, 0.75, 1].map((share) => share * start),
    1.5,
    { most: 1 },
  );
const TEMPERATURES = geometric("temperature", [0.04, 0.2, 1], 5, { least: 1e-3, most: 25 });
const PRIORS = geometric("prior scale", [0.1, 0.3, 1], 3, { most: 9 });
const DROPOUTS: Axis = {
  name: "dropout",
  values: [0.1, 0.2, 0.3, 0.4],
  smaller: (value) => (value > 0.02 ? value / 2 : null),
  larger: (value) => (value < 0.8 ? Number((value + 0.1).toFixed(2)) : null),
};
/** Lengths of the short schedule, as shares of what the best baseline needed; none is longer than a run. */
const SHORT = [0.5, 0.65, 0.8, 1, 1.25, 1.5];

export class Comparison {
  readonly #run: Runner;
  readonly #budget: Budget;

  constructor(run: Runner, budget: Budget) {
    this.#run = run;
    this.#budget = budget;
  }

  /** All methods. @param done called with each one as it is finished */
  async all(done: (runs: MethodRuns) => void = () => {}): Promise<MethodRuns[]> {
    const finish = async (name: MethodName, chosen: Promise<Chosen>, long = false) => {
      const runs = await this.#finish(name, await chosen, long);
      done(runs);
      return runs;
    };
    const length = this.#start;
    const sgd = this.#tune("sgd", { method: STARTS.sgd, length });
    const adam = this.#tune("adam", { method: STARTS.adam, length });
    const better = Promise.all([sgd, adam]).then(([s, a]) => (s.score < a.score ? s : a));
    const point = [finish("sgd", sgd), finish("adam", adam, true)];
    const plain: Promise<Chosen> = Promise.resolve({
      draft: { method: { kind: "ivon" }, length: 1 },
      tuning: [],
      score: 0,
    });
    return settle([
      ...point,
      finish("ivon", plain, true),
      finish(
        "dropout",
        better.then((base) => this.#tuneDropout(base)),
      ),
      finish("ivon-tuned", this.#tune("ivon-tuned", { method: STARTS.ivon, length: 1 }, PRIORS)),
      finish("bbb", this.#tune("bbb", { method: STARTS.bbb, length }, TEMPERATURES)),
      finish(
        "ivon-short",
        Promise.all([sgd, adam]).then((baselines) => this.#shorten(baselines)),
      ),
    ]);
  }

  get #start(): number {
    return this.#budget.start ?? 1;
  }

  /**
   * The learning rate, the momentum, then an axis of the method's own, each on the best of what came before. Where
   * the start is less than a run the length is tuned too, and where it moves the learning rate once more.
   * @param own the length where none is given
   */
  async #tune(label: string, draft: Draft, own?: Axis): Promise<Chosen> {
    const untuned = { draft, tuning: [], score: Number.POSITIVE_INFINITY };
    if (this.#budget.trials === 0) {
      const score = await this.#trial(draft, `${label} as it stands`);
      return { ...untuned, score: score ?? untuned.score };
    }
    const length = lengths(this.#start);
    const axes = [rates(draft.method.kind), MOMENTA, own ?? length];
    if (own && draft.length < 1) axes.push(length);
    let chosen: Chosen = untuned;
    for (const axis of axes) chosen = await this.#tuneAxis(label, chosen, axis);
    return draft.length < 1 && chosen.draft.length !== draft.length
      ? this.#tuneAxis(label, chosen, rates(draft.method.kind))
      : chosen;
  }

  async #tuneAxis(label: string, { draft, tuning }: Chosen, axis: Axis): Promise<Chosen> {
    const { name, values } = axis;
    const cut = { ...axis, values: values.slice(-this.#budget.trials) };
    const tuned = await tune(cut, (value) =>
      this.#trial(withValue(draft, name, value), `${label} ${name} ${value}`),
    );
    const score = tuned.trials.find(({ value }) => value === tuned.best)!.score!;
    return { draft: withValue(draft, name, tuned.best), tuning: [...tuning, tuned], score };
  }

  /** The better undropped baseline with dropout, whose length is tuned anew: its rate and momentum stand. */
  async #tuneDropout(base: Chosen): Promise<Chosen> {
    if (this.#budget.trials === 0) return { ...base, draft: withValue(base.draft, DROPOUTS.name, 0.2) };
    const dropped = await this.#tuneAxis("dropout", { ...base, tuning: base.tuning.slice(0, 2) }, DROPOUTS);
    return this.#tuneAxis("dropout", dropped, lengths(this.#start));
  }

  /**
   * The shortest schedule of `ivon()` as it stands that reaches the better baseline's lowest point on the tuning
   * seed; of none the longest.
   */
  async #shorten(baselines: readonly Chosen[]): Promise<Chosen> {
    const points = await Promise.all(
      baselines.map(async ({ draft }) =>
        this.#make(draft, TUNING_SEED, 1, false, "target of the tuning seed").then(requireRun),
      ),
    );
    const target = points.map(({ record }) => lowest(record.curve)).reduce((a, b) => (b.nll < a.nll ? b : a));
    const trials: Trial[] = [];
    for (const share of SHORT) {
      const whole = (share * target.tokens) / this.#budget.tokens;
      // In a run of a step or less the target may lie behind its end.
      if (whole > 1 && trials.length > 0) break;
      const length = Math.min(1, whole);
      const draft: Draft = { method: { kind: "ivon" }, length };
      const { record } = await this.#make(draft, TUNING_SEED, 1, false, `ivon-short ${share}`);
      const reached = record && crossing(record.curve, target.nll, true).tokens;
      trials.push({ value: length, score: reached && reached / target.tokens });
      if (reached) break;
    }
    const best = trials[trials.length - 1].value;
    const inside = trials[trials.length - 1].score !== null;
    const tuning = [{ axis: "length that reaches the target", best, trials, inside }];
    return { draft: { method: { kind: "ivon" }, length: best }, tuning, score: 0 };
  }

  async #finish(name: MethodName, { draft, tuning }: Chosen, long: boolean): Promise<MethodRuns> {
    const { seeds, longSeeds } = this.#budget;
    const make = (times: number, test: boolean) => (seed: number) =>
      this.#make(draft, seed, times, test, `${name}${times > 1 ? ` × ${times}` : ""} seed ${seed}`);
    const [runs, longer] = await Promise.all([
      Promise.all(seeds.map(make(1, name !== "ivon-short"))),
      Promise.all(long ? seeds.slice(0, longSeeds).map(make(LONG, false)) : []).catch(noneIfNotRun),
    ]);
    return { name, tuning, runs, long: longer };
  }

  /** The lowest validation loss of a trial; null where it diverged. */
  async #trial(draft: Draft, label: string): Promise<number | null> {
    const { tokens, trialShare, trialPoints: points } = this.#budget;
    const length = Math.round(tokens * trialShare * draft.length);
    const record = await this.#run(
      { ...settingOf(draft, length), seed: TUNING_SEED, points, test: false },
      label,
    );
    return record?.best.nll ?? null;
  }

  async #make(draft: Draft, seed: number, times: number, test: boolean, label: string): Promise<SeedRun> {
    const tokens = Math.round(this.#budget.tokens * draft.length * times);
    const setting = { ...settingOf(draft, tokens), seed, points: this.#budget.points, test };
    return { seed, setting, record: await this.#run(setting, label) };
  }
}

function withValue(draft: Draft, axis: string, value: number): Draft {
  const { method } = draft;
  if (axis === "length") return { ...draft, length: value };
  if (axis === DROPOUTS.name) return { ...draft, dropout: value };
  if (axis === TEMPERATURES.name)
    return { ...draft, method: { ...method, temperature: value } as MethodSpec };
  if (axis === PRIORS.name)
    return { ...draft, method: { ...method, prior: { kind: "gaussian", scale: value } } as MethodSpec };
  if (axis === MOMENTA.name) return { ...draft, method: withMomentum(method, value) };
  return { ...draft, method: { ...method, learningRate: value } };
}

/** SGD's velocity is a sum: its rate is scaled so that a step stays as long as it was. */
function withMomentum(method: MethodSpec, momentum: number): MethodSpec {
  if (method.kind !== "sgd") return { ...method, beta1: momentum };
  const { learningRate = 1, momentum: before = 0.9 } = method;
  return { ...method, momentum, learningRate: (learningRate * (1 - momentum)) / (1 - before) };
}

function settingOf({ method, dropout }: Draft, tokens: number) {
  return { method, tokens, ...(dropout === undefined ? {} : { dropout }) };
}

function requireRun(run: SeedRun): { readonly record: RunRecord } {
  if (run.record) return { record: run.record };
  throw new SviError("E_DIVERGED", "A baseline diverged at its tuned setting", {
    value: run.setting.method,
    remedy: "Compare with a smaller grid of learning rates",
  });
}

/** Waits for all before the first failure is told, so that no run is left behind. */
async function settle<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(promises);
  const missing = results.find(
    (result) => result.status === "rejected" && !(result.reason instanceof NotRun),
  );
  if (missing?.status === "rejected") throw missing.reason;
  return results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}

function noneIfNotRun(error: unknown): never[] {
  if (error instanceof NotRun) return [];
  throw error;
}

/** A run that is not at hand when a report is made of what there is: its method is left out. */
export class NotRun extends Error {}
