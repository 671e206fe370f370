/**
 * @module The protocol of a comparison: every method is tuned alike, then run with the same seeds.
 *
 * Each method has its axes, tuned one after the other on the validation text with a seed of its own: the learning
 * rate (four values), the momentum (three), the bound on the gradient's norm (four), what is its own (three or four),
 * the rate again around what stands (three), the length, and an average of the weights (four). A grid is extended
 * until its best value lies inside, the first one of the rate until two worse ones lie above it. What counts is the
 * lowest validation loss on the way: early stopping is open to all.
 */
import { SviError } from "../errors.ts";
import {
  AVERAGES,
  CLIPS,
  DECAYS,
  DROPOUTS,
  type Draft,
  lengths,
  MOMENTA,
  PRIORS,
  rates,
  ratesAround,
  STARTS,
  settingOf,
  TEMPERATURES,
  withValue,
} from "./axes.ts";
import { crossing, lowest } from "./crossing.ts";
import type { Also, MethodName } from "./methods.ts";
import type { CurvePoint, RunRecord, Setting } from "./run.ts";
import { type Axis, type Trial, type Tuned, tune } from "./tuning.ts";

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

interface Chosen {
  readonly draft: Draft;
  readonly tuning: readonly Tuned[];
  /** Lowest validation loss of the trials. */
  readonly score: number;
}

/** Lengths of the short schedule, as shares of what the best baseline needed; none is longer than a run. */
const SHORT = [0.5, 0.65, 0.8, 1, 1.25, 1.5];
/** `ivon()` as it stands. */
const PLAIN: Draft = { method: { kind: "ivon" }, length: 1 };

/** Runs whose predictions are averaged, as a reference that costs as many times as much. */
const FOUR = 4;

export class Comparison {
  readonly #run: Runner;
  readonly #budget: Budget;
  readonly #also: ReadonlySet<MethodName>;

  /** @param also methods that are compared besides those that every comparison has */
  constructor(run: Runner, budget: Budget, also: readonly Also[] = []) {
    this.#run = run;
    this.#budget = budget;
    this.#also = new Set(also);
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
    const dropout = better.then((base) => this.#tuneDropout(base));
    const strong = this.#strong(adam);
    const plain: Promise<Chosen> = Promise.resolve({ draft: PLAIN, tuning: [], score: 0 });
    const baselines = [sgd, adam, dropout, ...strong.values()];
    return settle([
      finish("sgd", sgd),
      finish("adam", adam, true),
      finish("ivon", plain, true),
      finish("dropout", dropout),
      finish("ivon-tuned", this.#tune("ivon-tuned", { method: STARTS.ivon, length: 1 }, PRIORS)),
      finish("bbb", this.#tune("bbb", { method: STARTS.bbb, length }, TEMPERATURES)),
      finish(
        "ivon-short",
        settle(baselines).then((chosen) => this.#shorten(chosen)),
      ),
      ...Array.from(strong, ([name, chosen]) => finish(name, chosen)),
      ...Array.from(this.#others(adam, plain), ([name, chosen]) => finish(name, chosen)),
    ]);
  }

  /** The baselines that were asked for, by their names. */
  #strong(adam: Promise<Chosen>): Map<MethodName, Promise<Chosen>> {
    const length = this.#start;
    const chosen = new Map<MethodName, Promise<Chosen>>();
    const pair = (name: Also, dropped: Also, draft: Draft, own: Axis) => {
      if (!this.#also.has(name) && !this.#also.has(dropped)) return;
      const base = this.#regularise(name, draft, own);
      if (this.#also.has(name)) chosen.set(name, base);
      if (!this.#also.has(dropped)) return;
      chosen.set(
        dropped,
        base.then((tuned) => this.#drop(dropped, tuned, own)),
      );
    };
    pair("adamw", "dropout-adamw", { method: STARTS.adamw, length }, DECAYS);
    pair("map", "dropout-map", { method: STARTS.map, length }, PRIORS);
    if (this.#also.has("adam-average"))
      chosen.set(
        "adam-average",
        adam.then((tuned) => this.#tuneAll("adam-average", tuned, [AVERAGES])),
      );
    return chosen;
  }

  /** What was asked for and is not a baseline: four runs cost four times as much, the rest is IVON. */
  #others(adam: Promise<Chosen>, plain: Promise<Chosen>): Map<MethodName, Promise<Chosen>> {
    const chosen = new Map<MethodName, Promise<Chosen>>();
    if (this.#also.has("adam-four"))
      chosen.set(
        "adam-four",
        adam.then((tuned) => ({ ...tuned, draft: { ...tuned.draft, ensemble: FOUR } })),
      );
    if (this.#also.has("ivon-average"))
      chosen.set(
        "ivon-average",
        plain.then((own) => this.#tuneAll("ivon-average", own, [AVERAGES])),
      );
    if (this.#also.has("noiseless"))
      chosen.set("noiseless", this.#regularise("noiseless", { method: STARTS.noiseless, length: 1 }, PRIORS));
    return chosen;
  }

  get #start(): number {
    return this.#budget.start ?? 1;
  }

  /**
   * What is tuned of every method beside an axis that keeps the weights small, the length where it is not all of a
   * run, and an average of the weights.
   */
  async #regularise(label: string, draft: Draft, own: Axis): Promise<Chosen> {
    const base = await this.#tuneSteps(label, draft, own);
    const chosen = draft.method.kind === "ivon" ? base : await this.#tuneLength(label, base, true);
    return this.#tuneAll(label, chosen, [AVERAGES]);
  }

  /** Dropout on what was tuned without it; what else keeps from overfitting is tuned anew beside it. */
  async #drop(label: string, base: Chosen, own: Axis): Promise<Chosen> {
    if (this.#budget.trials === 0) return { ...base, draft: withValue(base.draft, DROPOUTS.name, 0.2) };
    const plain = { ...base, draft: { ...base.draft, average: undefined } };
    return this.#tuneAll(label, plain, [DROPOUTS, own, lengths(this.#start), AVERAGES]);
  }

  async #tuneAll(label: string, start: Chosen, axes: readonly Axis[]): Promise<Chosen> {
    if (this.#budget.trials === 0) return start;
    let chosen = start;
    for (const axis of axes) chosen = await this.#tuneAxis(label, chosen, axis);
    return chosen;
  }

  async #untuned(label: string, { draft, tuning, score }: Chosen): Promise<Chosen> {
    return { draft, tuning, score: (await this.#trial(draft, `${label} as it stands`)) ?? score };
  }

  /**
   * What is tuned of every method. Where the start is less than a run the length is tuned too, and where it moves the
   * learning rate once more.
   * @param own the length where none is given
   */
  async #tune(label: string, draft: Draft, own?: Axis): Promise<Chosen> {
    const chosen = await this.#tuneSteps(label, draft, own);
    const part = draft.length < 1;
    return own && !part ? chosen : this.#tuneLength(label, chosen, part);
  }

  /** The learning rate, the momentum, the clip, an axis of the method's own, and the rate again beside them. */
  async #tuneSteps(label: string, draft: Draft, own?: Axis): Promise<Chosen> {
    const untuned = { draft, tuning: [], score: Number.POSITIVE_INFINITY };
    if (this.#budget.trials === 0) return this.#untuned(label, untuned);
    const axes = [rates(draft.method.kind), MOMENTA, CLIPS, ...(own ? [own] : [])];
    return this.#tuneRate(label, await this.#tuneAll(label, untuned, axes));
  }

  /** @param rate whether it is tuned once more where the length moves */
  async #tuneLength(label: string, before: Chosen, rate: boolean): Promise<Chosen> {
    const chosen = await this.#tuneAll(label, before, [lengths(this.#start)]);
    const moved = chosen.draft.length !== before.draft.length;
    return rate && moved ? this.#tuneRate(label, chosen) : chosen;
  }

  #tuneRate(label: string, chosen: Chosen): Promise<Chosen> {
    return this.#tuneAxis(label, chosen, ratesAround(chosen.draft, this.#budget.trials));
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

  /** The better undropped baseline with dropout, whose length is tuned anew: its rate, momentum and clip stand. */
  async #tuneDropout(base: Chosen): Promise<Chosen> {
    if (this.#budget.trials === 0) return { ...base, draft: withValue(base.draft, DROPOUTS.name, 0.2) };
    const length = lengths(this.#start);
    const tuning = base.tuning.filter(({ axis }) => axis !== length.name);
    return this.#tuneAll("dropout", { ...base, tuning }, [DROPOUTS, length]);
  }

  /**
   * The shortest schedule of `ivon()` as it stands that reaches the best baseline's lowest point on the tuning
   * seed; of none the longest.
   */
  async #shorten(baselines: readonly Chosen[]): Promise<Chosen> {
    if (baselines.length === 0) throw new NotRun("the baselines");
    const points = await Promise.all(
      baselines.map(({ draft }) => this.#make(draft, TUNING_SEED, 1, false, "target of the tuning seed")),
    );
    const target = bestOf(points);
    const trials: Trial[] = [];
    for (const share of SHORT) {
      const whole = (share * target.tokens) / this.#budget.tokens;
      // In a run of a step or less the target may lie behind its end.
      if (whole > 1 && trials.length > 0) break;
      const length = Math.min(1, whole);
      const draft: Draft = { ...PLAIN, length };
      const { record } = await this.#make(draft, TUNING_SEED, 1, false, `ivon-short ${share}`);
      const reached = record && crossing(record.curve, target.nll, true).tokens;
      trials.push({ value: length, score: reached && reached / target.tokens });
      if (reached) break;
    }
    const best = trials[trials.length - 1].value;
    const inside = trials[trials.length - 1].score !== null;
    const tuning = [{ axis: "length that reaches the target", best, trials, inside }];
    return { draft: { ...PLAIN, length: best }, tuning, score: 0 };
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

/** The lowest point of all that did not diverge. @throws SviError `E_DIVERGED` where all did */
function bestOf(runs: readonly SeedRun[]): CurvePoint {
  const points = runs.flatMap(({ record }) => (record ? [lowest(record.curve)] : []));
  if (points.length === 0)
    throw new SviError("E_DIVERGED", "Every baseline diverged at its tuned setting", {
      value: runs[0].setting.method,
      remedy: "Compare with a smaller grid of learning rates",
    });
  return points.reduce((a, b) => (b.nll < a.nll ? b : a));
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
