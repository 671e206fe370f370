/**
 * The race: the same model, text and first weights, one thread each, svi-lm by `fit` with no arguments but the shape
 * against native PyTorch with the best of its tuned methods, by wall clock. It ends when PyTorch's lowest validation
 * loss is reached. Turns of a few seconds alternate, so that the machine's drift meets both.
 *
 *   npm run bench:race -- --data DIR [--only moby-words,…] [--browser chromium|none] [--seeds 1,2,3] [--epochs X]
 *     [--turn 2] [--setting JSON] [--results docs/lab/results.json] [--write] [--json] [--quick]
 *
 * DIR is that of the study. PyTorch (Debian: python3-torch, libopenblas0-pthread) has the setting of the text's best
 * baseline in results.json, or --setting, an object as the runs there have. svi-lm reads as many epochs as that, or
 * --epochs. --browser is where svi-lm runs a second time, beside the others. --write puts the ratios into
 * docs/lab/race.json, from where the study takes them, and the table into docs/lab/race.md. --quick shows in a minute
 * that all works, on a text and a model that say nothing.
 */
import "../src/kernels/embedded.ts";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { TITLES } from "../src/comparison/methods.ts";
import type { Setting } from "../src/comparison/run.ts";
import { average } from "../src/comparison/statistics.ts";
import { writeFileAtomically } from "../src/entries/node.ts";
import { SviError } from "../src/errors.ts";
import { type Contender, startPage, startProcess } from "./race/contender.ts";
import { drawn } from "./race/draw.ts";
import { tunedSetting, writeJob } from "./race/job.ts";
import type { Point } from "./race/racer.ts";
import { prepare, SOURCES } from "./study/corpora.ts";
import { RACES, type Races } from "./study/results.ts";

const LAB = "docs/lab";
const { values } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: "string" },
    only: { type: "string" },
    browser: { type: "string", default: "chromium" },
    seeds: { type: "string", default: "1" },
    epochs: { type: "string" },
    turn: { type: "string", default: "2" },
    setting: { type: "string" },
    results: { type: "string", default: join(LAB, "results.json") },
    write: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

/** What a quick race has in place of a tuned setting. */
const QUICK: Setting = {
  method: { kind: "adamw", learningRate: 0.012, beta1: 0.6, beta2: 0.98, weightDecay: 0.1 },
  average: 0.9,
  dropout: 0.05,
  tokens: 60_000,
  seed: 1,
  points: 30,
  test: false,
};
const QUICK_SHAPE = { embedding: 16, hidden: 32, layers: 1, batch: 8, sequence: 32 };

/** One side, and how far it is. */
interface Side {
  readonly name: "pytorch" | "node" | "browser";
  readonly contender: Contender;
  readonly points: Point[];
  done: boolean;
}

interface Lap {
  readonly seed: number;
  readonly target: number;
  readonly sides: readonly {
    readonly name: Side["name"];
    readonly version: string;
    /** Until the target; null where it was not reached. */
    readonly seconds: number | null;
    readonly points: readonly Point[];
  }[];
}

interface Race {
  readonly id: string;
  readonly text: string;
  readonly method: string;
  readonly laps: readonly Lap[];
  /** Seconds of svi-lm over PyTorch's, means over seeds; null where the target was not reached with every seed. */
  readonly seconds: number | null;
  readonly chromium: number | null;
}

const note = (line: string) => process.stderr.write(`${line}\n`);

/** Bundles svi-lm's side for Node, and for a page. @returns the page's script */
async function bundle(): Promise<string> {
  const common = { bundle: true, format: "esm", logLevel: "error" } as const;
  await build({
    ...common,
    entryPoints: ["bench/race/node.ts"],
    outfile: "bench/build/race.mjs",
    platform: "node",
    target: "node20",
    external: ["@assemblyscript/loader"],
  });
  const { outputFiles } = await build({
    ...common,
    entryPoints: ["bench/race/page.ts"],
    write: false,
    target: "es2022",
  });
  return outputFiles[0].text;
}

/** The sides of a race, all ready. */
async function startSides(folder: string, script: string): Promise<Side[]> {
  const sides: Side[] = [];
  const add = async (name: Side["name"], starting: Promise<Contender>) => {
    sides.push({ name, contender: await starting, points: [], done: false });
  };
  try {
    await add("pytorch", startProcess("/usr/bin/python3", ["bench/pytorch/race.py", folder]));
    await add("node", startProcess(process.execPath, ["bench/build/race.mjs", folder]));
    if (values.browser !== "none") await add("browser", startPage(values.browser, script, folder));
  } catch (error) {
    await Promise.all(sides.map(({ contender }) => contender.close()));
    throw error;
  }
  return sides;
}

const lowest = (points: readonly Point[]) => Math.min(...points.map(([, , nll]) => nll));
const reaching = (points: readonly Point[], target: number) =>
  points.find(([, , nll]) => nll <= target)?.[0] ?? null;

/**
 * Turns until the target is known and reached. Who is below all that PyTorch has reached so far waits: it has won
 * unless PyTorch comes lower. The order turns round after every round.
 */
async function run(sides: readonly Side[], seconds: number): Promise<void> {
  const [torch] = sides;
  const waits = (side: Side) => side.done || (side !== torch && lowest(side.points) <= lowest(torch.points));
  for (let round = 0; sides.some((side) => !waits(side)); round++)
    for (const side of round % 2 ? sides.toReversed() : sides) {
      if (waits(side)) continue;
      const { points, done } = await side.contender.turn(seconds);
      side.points.push(...points);
      side.done = done;
    }
}

async function lap(folder: string, script: string, seed: number): Promise<Lap> {
  const sides = await startSides(folder, script);
  try {
    await run(sides, Number(values.turn));
  } finally {
    await Promise.all(sides.map(({ contender }) => contender.close()));
  }
  const target = lowest(sides[0].points);
  return {
    seed,
    target,
    sides: sides.map(({ name, contender: { version }, points }) => {
      return { name, version, points, seconds: reaching(points, target) };
    }),
  };
}

/** Mean over laps of the seconds of a side over PyTorch's. */
function ratio(laps: readonly Lap[], name: Side["name"]): number | null {
  const ratios = laps.map(({ sides }) => {
    const [torch, own] = [sides[0].seconds, sides.find((side) => side.name === name)?.seconds ?? null];
    return own === null || torch === null ? null : own / torch;
  });
  return ratios.includes(null) ? null : average(ratios as number[]);
}

async function race(source: (typeof SOURCES)[number], script: string): Promise<Race> {
  const folder = await mkdtemp(join(tmpdir(), "svi-lm-race-"));
  try {
    const whole = await prepare(source, values.data ?? "", folder);
    const subject = values.quick ? { ...whole, shape: QUICK_SHAPE } : whole;
    const given: (Setting & { name?: string }) | null = values.setting ? JSON.parse(values.setting) : null;
    const setting = given ?? (values.quick ? QUICK : await tunedSetting(values.results, source.name));
    const laps: Lap[] = [];
    for (const seed of values.seeds.split(",").map(Number)) {
      const epochs = values.epochs === undefined ? undefined : Number(values.epochs);
      await writeJob(subject, setting, { epochs, seed, folder });
      const made = await lap(folder, script, seed);
      laps.push(made);
      note(`\n${source.name}, seed ${seed}, target ${made.target.toFixed(4)} nats`);
      note(drawn(made.sides));
      for (const side of made.sides) note(`${side.name}: ${said(side.seconds)}, ${side.version}`);
    }
    const method = nameOf(setting);
    const ratios = { seconds: ratio(laps, "node"), chromium: ratio(laps, "browser") };
    return { id: source.id, text: source.name, method, laps, ...ratios };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function nameOf({ name, method }: Setting & { name?: string }): string {
  return name !== undefined && name in TITLES ? TITLES[name as keyof typeof TITLES] : method.kind;
}

function said(seconds: number | null): string {
  return seconds === null ? "not reached" : `${seconds.toFixed(1)} s`;
}

function tableOf(races: readonly Race[]): string {
  const mean = ({ laps }: Race, name: Side["name"]) => {
    const all = laps.map(({ sides }) => sides.find((side) => side.name === name)?.seconds ?? null);
    return all.includes(null) ? "–" : said(average(all as number[]));
  };
  const rows = races.map((one) => [
    one.text,
    one.method,
    mean(one, "pytorch"),
    mean(one, "node"),
    one.seconds?.toFixed(2) ?? "–",
    mean(one, "browser"),
    one.chromium?.toFixed(2) ?? "–",
  ]);
  const head = ["text", "PyTorch's method", "PyTorch", "svi-lm, Node", "of it", "svi-lm, Chromium", "of it"];
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** Keeps what was written of other texts before. */
async function write(races: readonly Race[]): Promise<void> {
  const path = join(LAB, RACES);
  const found = await readFile(path, "utf8").catch(() => null);
  const before: { races: Races; rows: readonly Race[] } =
    found === null ? { races: {}, rows: [] } : JSON.parse(found);
  const rows = [...before.rows.filter(({ id }) => !races.some((one) => one.id === id)), ...races];
  const ratios = Object.fromEntries(
    rows.flatMap(({ id, seconds, chromium }) => (seconds === null ? [] : [[id, { seconds, chromium }]])),
  );
  const put = (to: string, text: string) => writeFileAtomically(to, new TextEncoder().encode(text));
  await put(path, `${JSON.stringify({ races: ratios, rows }, null, 1)}\n`);
  const [{ version }, ...others] = rows[0].laps[0].sides;
  const text = `# The race against native PyTorch

Written by \`npm run bench:race -- --data DIR --write\` on ${cpus()[0]?.model ?? "an unknown processor"}: ${[version, ...others.map((side) => side.version)].join("; ")}. The same model, text and first weights, one thread each: seconds of training until PyTorch's lowest validation loss, by the wall clock, in turns of ${values.turn} s. PyTorch has the best of its tuned methods, svi-lm \`fit\` with no arguments but the shape. Validation is on nobody's clock.

${tableOf(rows)}
`;
  await put(join(LAB, "race.md"), text);
}

async function main(): Promise<void> {
  if (!values.data && !values.quick)
    throw new SviError("E_OPTION", "--data is missing", {
      option: "data",
      remedy: "Give the folder of the study's texts, or --quick",
    });
  const only = values.only?.split(",") ?? (values.quick ? ["moby-part"] : undefined);
  const script = await bundle();
  const races: Race[] = [];
  for (const source of SOURCES) {
    if (only && !only.includes(source.id)) continue;
    races.push(await race(source, script));
    if (values.write && !values.quick) await write(races);
  }
  note(`\n${tableOf(races)}`);
  if (values.json) process.stdout.write(`${JSON.stringify({ races })}\n`);
}

await main().catch((error) => {
  note(error instanceof SviError ? `${error.code}: ${error.message}` : String(error?.stack ?? error));
  process.exitCode = 1;
});
