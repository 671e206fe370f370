/** The protocol, with runs that are made up: who is tuned how, and what is run in the end. */
import { expect, test } from "vitest";
import { ALSO, type Also } from "../../src/comparison/methods.ts";
import { type Budget, Comparison, NotRun, TUNING_SEED } from "../../src/comparison/protocol.ts";
import type { MethodSpec, RunRecord, Setting } from "../../src/comparison/run.ts";

const BUDGET: Budget = {
  tokens: 1000,
  trialShare: 0.5,
  trials: 4,
  seeds: [1, 2, 3],
  longSeeds: 1,
  points: 100,
  trialPoints: 25,
};
const BEST: Record<MethodSpec["kind"], number> = { sgd: 3.2, adam: 0.012, adamw: 0.012, bbb: 0.006, ivon: 8 };

const proportional = ({ kind }: MethodSpec) => kind === "sgd" || kind === "ivon";

/** Distance in octaves from the best length of a clipped step; a clip of 0.1 is a little better than others. IVON reaches 1.1 after 0.6 of a baseline's tokens. */
function loss({ method, dropout = 0, average = 0, tokens }: Setting): number {
  const momentum = method.kind === "sgd" ? (method.momentum ?? 0.9) : (method.beta1 ?? 0.9);
  const rate = method.learningRate ?? BEST[method.kind];
  const clip = method.clip ?? 1;
  const length = proportional(method) ? rate * clip : rate;
  const effective = method.kind === "sgd" ? (length * 0.4) / (1 - momentum) : length;
  const off = Math.abs(Math.log2(effective / BEST[method.kind])) + Math.abs(dropout - 0.2);
  const own =
    method.kind === "adamw"
      ? Math.abs(Math.log((method.weightDecay ?? 1) / 30))
      : method.kind === "bbb"
        ? Math.abs(Math.log((method.temperature ?? 1) / 0.2))
        : (method.kind === "ivon" || method.kind === "adam") && method.prior?.kind === "gaussian"
          ? Math.abs(Math.log(method.prior.scale / 0.3))
          : 0;
  const level = { sgd: 1.2, adam: 1, adamw: 0.98, bbb: 1.1, ivon: 0.95 }[method.kind];
  return (
    level +
    0.02 * Math.abs(average - 0.97) +
    0.1 * off +
    0.01 * Math.abs(momentum - 0.6) +
    0.001 * Math.abs(Math.log(clip / 0.1)) +
    0.01 * own +
    30 / tokens
  );
}

function record(setting: Setting): RunRecord {
  const nll = loss(setting);
  const curve = [0.5, 1].map((share) => ({
    tokens: share * setting.tokens,
    nll: nll + (1 - share),
    noise: share,
  }));
  const figures = { nll, perplexity: 1, ece: 0, brier: 0, entropy: 0 };
  return {
    curve,
    best: curve[1],
    valid: figures,
    test: null,
    lambda: 1,
    steps: 1,
    trainNll: 1,
    seconds: 1,
    hash: "",
  };
}

async function compare(
  budget: Partial<Budget> = {},
  missing: (setting: Setting) => boolean = () => false,
  also: readonly Also[] = [],
  diverges: (method: MethodSpec) => boolean = () => false,
) {
  const settings: Setting[] = [];
  const labelled = new Map<string, MethodSpec>();
  const run = async (setting: Setting, label: string) => {
    settings.push(setting);
    labelled.set(label, setting.method);
    if (missing(setting)) throw new NotRun("missing");
    return diverges(setting.method) ? null : record(setting);
  };
  return { methods: await new Comparison(run, { ...BUDGET, ...budget }, also).all(), settings, labelled };
}

const named = (methods: Awaited<ReturnType<typeof compare>>["methods"], name: string) =>
  methods.find((runs) => runs.name === name)!;

test("every method has the same axes: four rates, three momenta, four clips, three of its own, the rate again", async () => {
  const { methods } = await compare();
  for (const name of ["sgd", "adam", "bbb", "ivon-tuned"]) {
    const { tuning } = named(methods, name);
    const axes = tuning.map(({ axis }) => axis);
    expect(axes.slice(0, 3)).toEqual(["learning rate", "momentum", "clip"]);
    expect(axes.slice(3).filter((axis) => axis === "learning rate")).toHaveLength(1);
    expect(tuning[0].trials.length).toBeGreaterThanOrEqual(4);
    expect(tuning[2].trials.length).toBeGreaterThanOrEqual(4);
    for (const { trials, inside } of tuning.slice(1)) {
      expect(trials.length).toBeGreaterThanOrEqual(3);
      expect(inside).toBe(true);
    }
  }
  expect(named(methods, "ivon").tuning).toEqual([]);
});

test("results are of their own seeds, at full length; trials of the tuning seed, at their share of it", async () => {
  const { methods, settings } = await compare();
  for (const { runs, name } of methods) {
    expect(runs.map(({ seed }) => seed)).toEqual([1, 2, 3]);
    for (const { setting } of runs) expect(setting.test).toBe(name !== "ivon-short");
  }
  const trials = settings.filter(({ points }) => points === BUDGET.trialPoints);
  expect(new Set(trials.map(({ seed }) => seed))).toEqual(new Set([TUNING_SEED]));
  expect(Math.max(...trials.map(({ tokens }) => tokens))).toBe(500);
  expect(named(methods, "ivon").long.map(({ setting }) => setting.tokens)).toEqual([3000]);
});

test("baselines that start with a part of a run have their length tuned up to all of it, and the rate once more", async () => {
  const { methods, settings } = await compare({ start: 0.25, trialShare: 1 });
  const adam = named(methods, "adam");
  // Made up losses fall with the length.
  expect(adam.tuning.map(({ axis }) => axis)).toEqual([
    "learning rate",
    "momentum",
    "clip",
    "learning rate",
    "length",
    "learning rate",
  ]);
  expect(adam.tuning[4].best).toBe(1);
  expect(adam.runs[0].setting.tokens).toBe(1000);
  expect(settings.find(({ method }) => method.kind === "adam")!.tokens).toBe(250);
  const axes = named(methods, "bbb").tuning.map(({ axis }) => axis);
  expect(axes).toEqual([
    "learning rate",
    "momentum",
    "clip",
    "temperature",
    "learning rate",
    "length",
    "learning rate",
  ]);
  const lengths = settings
    .filter(({ method, points }) => method.kind === "ivon" && points === BUDGET.trialPoints)
    .map(({ tokens }) => tokens);
  expect(new Set(lengths)).toEqual(new Set([1000]));
});

test("a step of SGD stays as long while its momentum is tuned", async () => {
  const { labelled } = await compare();
  const lengths = Array.from(labelled, ([label, method]) =>
    method.kind === "sgd" && label.startsWith("sgd momentum")
      ? method.learningRate! / (1 - method.momentum!)
      : [],
  ).flat();
  expect(lengths.length).toBeGreaterThan(0);
  for (const length of lengths) expect(length).toBeCloseTo(lengths[0], 9);
});

test("a clipped step of SGD and IVON stays as long while its clip is tuned; the rate of Adam's kind stands", async () => {
  const { labelled } = await compare({}, () => false, ALSO);
  const clips = [0.03, 0.1, 0.3, 1];
  for (const name of ["sgd", "ivon-tuned", "noiseless", "adam", "bbb", "adamw", "map"]) {
    const trials = clips.map((clip) => labelled.get(`${name} clip ${clip}`)!);
    expect(trials.map(({ clip }) => clip)).toEqual(clips);
    const whole = trials[3].learningRate!;
    for (const { learningRate: rate, clip, ...method } of trials) {
      if (!proportional(method)) expect(rate).toBe(whole);
      else {
        expect((rate! * clip!) / whole).toBeCloseTo(1, 2);
        expect(Number(rate!.toPrecision(3))).toBe(rate);
      }
    }
  }
});

test("the rate is tuned again around the one that stands, whose run is made already", async () => {
  const { methods, labelled } = await compare();
  const { tuning, runs } = named(methods, "ivon-tuned");
  expect(tuning.map(({ axis, best }) => [axis, best])).toEqual([
    ["learning rate", 10],
    ["momentum", 0.6],
    ["clip", 0.1],
    ["prior scale", 0.3],
    ["learning rate", 60],
  ]);
  // Two worse ones above the best of the first grid, one above that of the second.
  expect(tuning[0].trials.map(({ value }) => value)).toEqual([5, 10, 20, 40]);
  expect(tuning[4].trials.map(({ value }) => value)).toEqual([15, 30, 60, 120]);
  expect(runs[0].setting.method).toMatchObject({ learningRate: 60, clip: 0.1 });
  expect(labelled.get("ivon-tuned learning rate 30")).toEqual(labelled.get("ivon-tuned prior scale 0.3"));
});

test("with one value of each axis the rate is tuned again from the one that stands", async () => {
  const beyond = ({ kind, clip, learningRate }: MethodSpec) =>
    kind === "adam" && clip !== undefined && (learningRate ?? 0) > 0.012;
  const { tuning, runs } = named((await compare({ trials: 1 }, () => false, [], beyond)).methods, "adam");
  expect(tuning[3].trials.map(({ value }) => value)).toEqual([0.006, 0.012, 0.024]);
  expect(runs[0].setting.method).toMatchObject({ learningRate: 0.012, clip: 0.1 });
});

test("dropout starts from the better of the undropped baselines", async () => {
  const { setting } = named((await compare()).methods, "dropout").runs[0];
  expect(setting.method).toMatchObject({ kind: "adam", learningRate: 0.012, beta1: 0.6, clip: 0.1 });
  expect(setting.dropout).toBe(0.2);
});

test("the short schedule is the shortest one that reaches the baseline's best loss, of ivon() as it stands", async () => {
  const { runs, tuning } = named((await compare()).methods, "ivon-short");
  expect(runs[0].setting.method).toEqual({ kind: "ivon" });
  const { trials, best, inside } = tuning[0];
  expect(inside).toBe(true);
  expect(trials.at(-1)!.value).toBe(best);
  for (const { score } of trials.slice(0, -1)) expect(score).toBeNull();
  expect(trials.at(-1)!.score).not.toBeNull();
});

test("a short schedule that reaches nothing goes up to as many tokens as a run, and no further", async () => {
  const own = 2;
  const run = async (setting: Setting) => {
    const made = record(setting);
    const curve = made.curve.map((point) => ({ ...point, nll: point.nll + own }));
    return setting.method.kind === "ivon" ? { ...made, curve, best: curve[1] } : made;
  };
  const { tuning, runs } = named(await new Comparison(run, BUDGET).all(), "ivon-short");
  expect(tuning[0].trials.map(({ value }) => value)).toEqual([0.5, 0.65, 0.8, 1]);
  expect(tuning[0].inside).toBe(false);
  expect(runs[0].setting.tokens).toBe(1000);
});

test("a short schedule is as long as the run where a run is shorter than the step that the target lies behind", async () => {
  const run = async (setting: Setting) => {
    const made = record(setting);
    const curve = made.curve.map((point) => ({ ...point, tokens: 64 * point.tokens }));
    return { ...made, curve, best: curve[1] };
  };
  const { tuning, runs } = named(await new Comparison(run, { ...BUDGET, trials: 0 }).all(), "ivon-short");
  expect(tuning[0].trials.map(({ value }) => value)).toEqual([1]);
  expect(runs[0].setting.tokens).toBe(1000);
});

test("without tuning every method stands as it is", async () => {
  const { methods } = await compare({ trials: 0 });
  for (const name of ["sgd", "adam", "bbb", "ivon", "ivon-tuned"])
    expect(named(methods, name).runs[0].setting.method.learningRate).toBeUndefined();
});

test("of runs that are not at hand the methods are left out, of long ones only those", async () => {
  const { methods } = await compare({}, ({ method, tokens }) => method.kind === "bbb" || tokens > 1000);
  expect(methods.map(({ name }) => name).sort()).toEqual(
    ["sgd", "adam", "dropout", "ivon", "ivon-tuned", "ivon-short"].sort(),
  );
  expect(named(methods, "ivon").long).toEqual([]);
  const nothing = await compare({}, () => true, ALSO);
  expect(nothing.methods).toEqual([]);
  await expect(
    new Comparison(async () => {
      throw new Error("broken");
    }, BUDGET).all(),
  ).rejects.toThrow("broken");
});

test("the strong baselines: decay past 100 times the usual, the prior, an average, and dropout beside them", async () => {
  const { methods } = await compare({}, () => false, ALSO);
  for (const name of ALSO) expect(named(methods, name).runs.map(({ seed }) => seed)).toEqual([1, 2, 3]);
  const adamw = named(methods, "adamw");
  expect(adamw.tuning.map(({ axis }) => axis)).toEqual([
    "learning rate",
    "momentum",
    "clip",
    "weight decay",
    "learning rate",
    "length",
    "average's decay",
  ]);
  // Beyond the grid's 10 where that is best.
  expect(adamw.tuning[3]).toMatchObject({ best: 30, inside: true });
  expect(adamw.tuning[3].trials.map(({ value }) => value)).toEqual([0.3, 1, 3, 10, 30, 90]);
  expect(adamw.runs[0].setting).toMatchObject({ method: { kind: "adamw", weightDecay: 30 }, average: 0.97 });
  const map = named(methods, "map").runs[0].setting;
  expect(map).toMatchObject({ method: { kind: "adam", prior: { scale: 0.3 } }, average: 0.97 });
  for (const [name, kind] of [
    ["dropout-adamw", "adamw"],
    ["dropout-map", "adam"],
  ] as const)
    expect(named(methods, name).runs[0].setting).toMatchObject({
      method: { kind },
      dropout: 0.2,
      average: 0.97,
    });
  const still = named(methods, "noiseless").runs[0].setting;
  expect(still).toMatchObject({ method: { kind: "ivon", noise: false }, average: 0.97, tokens: 1000 });
  expect(named(methods, "ivon-average").runs[0].setting).toMatchObject({
    method: { kind: "ivon" },
    average: 0.97,
  });
  const [adam, four, averaged] = ["adam", "adam-four", "adam-average"].map((name) => named(methods, name));
  expect(four.runs[0].setting).toEqual({ ...adam.runs[0].setting, ensemble: 4 });
  expect(averaged.runs[0].setting).toEqual({ ...adam.runs[0].setting, average: 0.97 });
});

test("the short schedule is held to the best of all baselines", async () => {
  const target = async (also: readonly Also[]) => {
    const { settings } = await compare({}, () => false, also);
    return settings.filter(({ seed, points }) => seed === TUNING_SEED && points === BUDGET.points);
  };
  const kinds = (settings: Setting[]) => new Set(settings.map(({ method }) => method.kind));
  expect(kinds(await target([]))).toEqual(new Set(["sgd", "adam", "ivon"]));
  expect(kinds(await target(["adamw"]))).toEqual(new Set(["sgd", "adam", "adamw", "ivon"]));
});
