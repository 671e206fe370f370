/**
 * Sessions and many texts at once, each beside what it replaces, in turns of one run; medians.
 *
 *   npm run bench:sessions -- [--lines 20000] [--loop 200] [--rounds 2000] [--only ROW,ROW] [--wide] [--json]
 *
 * keystroke: `read` of a character and `top(5)` beside the bare prediction of a token, and the 99th percentiles of both
 * over their medians. lines: `scoreAll` beside a loop
 * of `score` over so many lines, a line. lists: 200 lists of 50 candidates, beginnings shared and not. memory: bytes
 * of 1,000 sessions beside the weights. onnx: the lines beside batches of 32 padded ones by ONNX Runtime on one thread,
 * where it is installed: `npm ci --prefix bench`; int16: those of `int16Products()`. --wide: 256-bit code, where it helps.
 * learn: a step of `session.learn`. dynamic: dynamic evaluation beside
 * plain.
 */
import { parseArgs } from "node:util";
import {
  Corpus,
  characterTokenizer,
  evaluate,
  fit,
  int16Products,
  LanguageModel,
  learner,
  type ScoreAllOptions,
  type Session,
  type TextScore,
} from "../src/entries/index.ts";
import { useWideKernels } from "../src/entries/node.ts";
import { seedOf } from "../src/kernels/random.ts";
import { finish } from "../src/model/work.ts";
import { Predictor } from "../src/prediction/predictor.ts";
import { onnxLines } from "./peers/batches.ts";

const { values } = parseArgs({
  options: {
    lines: { type: "string", default: "20000" },
    loop: { type: "string", default: "200" },
    rounds: { type: "string", default: "2000" },
    only: { type: "string" },
    wide: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

if (values.wide) console.error("256-bit code", await useWideKernels());

/** Model A: vocabulary 96, embedding 128, 2 × 256. */
const characters = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));
const tokenizer = characterTokenizer({ characters });
const model = await LanguageModel.create({ tokenizer, embedding: 128, hidden: 256, layers: 2 });

const quantile = (numbers: readonly number[], q: number) =>
  Float64Array.from(numbers).sort()[Math.min(numbers.length - 1, Math.floor(q * numbers.length))];

const sentence = "the quick brown fox jumps over the lazy dog ";
const text = await Corpus.open(sentence.repeat(200), { tokenizer });
/** Lines between two changes of contender. */
const TURN = 1000;

async function timed(work: () => unknown): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

async function keystrokes(rounds: number) {
  const session = await model.session();
  const predictor = new Predictor(model.posterior, 0);
  predictor.plan.commit();
  finish(predictor.begin(seedOf(1)));
  const [bare, typed]: [number[], number[]] = [[], []];
  for (let i = 0; i < rounds; i++) {
    const key = sentence[i % sentence.length];
    const ids = tokenizer.encode(key);
    bare.push(await timed(() => finish(predictor.follow(ids))));
    typed.push(
      await timed(async () => {
        await session.read(key);
        return session.top(5);
      }),
    );
  }
  const [a, b] = [bare, typed].map((times) => quantile(times.slice(rounds >> 2), 0.5));
  return {
    bareMicroseconds: 1000 * a,
    keystrokeMicroseconds: 1000 * b,
    ratio: b / a,
    bareTail: quantile(bare.slice(rounds >> 2), 0.99) / a,
    tail: quantile(typed.slice(rounds >> 2), 0.99) / b,
  };
}

/** Lines of a made-up server's log, the same every time. */
function logLines(count: number): string[] {
  const two = (n: number) => String(n).padStart(2, "0");
  return Array.from({ length: count }, (_, i) => {
    const [host, request, milliseconds] = [(i * 7919) % 12, (i * 104_729) % 90_001, (i * 31) % 1997];
    const path = ["items", "users/list", "cart", "search?q=sea", "static/app.js"][(i * 13) % 5];
    const time = `2026-11-28 ${two(Math.floor(i / 3600) % 24)}:${two(Math.floor(i / 60) % 60)}:${two(i % 60)}`;
    return `${time} host${host} nginx[${4000 + host}]: ${request} GET /${path} 200 in ${milliseconds} ms`;
  });
}

async function scoreLines(lines: readonly string[], options?: ScoreAllOptions): Promise<number[]> {
  const found: number[] = [];
  for await (const one of model.scoreAll(lines, options)) found.push((one as TextScore).logProbability);
  return found;
}

async function lines(count: number, loop: number) {
  const all = logLines(count);
  const some = all.filter((_, i) => i % Math.ceil(count / loop) === 0);
  const one =
    (await timed(async () => {
      for (const line of some) await model.score(line);
    })) / some.length;
  const together = (await timed(() => scoreLines(all))) / count;
  const apart = (await timed(() => scoreLines(some, { sharing: false }))) / some.length;
  return {
    scoreMilliseconds: one,
    scoreAllMilliseconds: together,
    ratio: one / together,
    withoutSharing: apart,
  };
}

async function lists() {
  const words =
    "the of and a to in he have it that for they with as not on she at by this we you do but from or".split(
      " ",
    );
  const word = (n: number) => words[n % words.length];
  const all = Array.from({ length: 200 }, (_, list) =>
    Array.from({ length: 50 }, (_, candidate) =>
      Array.from({ length: 12 }, (_, i) =>
        word(list * 31 + i * 7 + (i >= 6 + (candidate % 6) ? candidate + 1 : 0)),
      ).join(" "),
    ),
  ).flat();
  let [shared, apart]: [number[], number[]] = [[], []];
  const together = await timed(async () => {
    shared = await scoreLines(all);
  });
  const alone = await timed(async () => {
    apart = await scoreLines(all, { sharing: false });
  });
  return {
    sharedSeconds: together / 1000,
    apartSeconds: alone / 1000,
    ratio: alone / together,
    difference: Math.max(...shared.map((x, i) => Math.abs(x - apart[i]))),
  };
}

async function memory() {
  const collect = (globalThis as { gc?: () => void }).gc ?? (() => {});
  const used = () => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  await model.session();
  const before = used();
  const sessions: Session[] = [];
  for (let i = 0; i < 1000; i++) {
    const session = await model.session();
    await session.read("the quick brown fox");
    sessions.push(session);
  }
  return { sessions: sessions.length, megabytes: (used() - before) / 2 ** 20 };
}

/** In turns of a thousand lines. */
async function besideOnnx(count: number) {
  const theirs = await onnxLines(model);
  if (!theirs) return null;
  const all = logLines(count);
  const contenders = {
    float32: (some: readonly string[]) => scoreLines(some),
    int16: (some: readonly string[]) => scoreLines(some, { products: int16Products() }),
    onnx: theirs,
  };
  type Name = keyof typeof contenders;
  const names = Object.keys(contenders) as Name[];
  const times: Record<Name, number[]> = { float32: [], int16: [], onnx: [] };
  const differences = { float32: 0, int16: 0 };
  for (let at = 0; at < count; at += TURN) {
    const some = all.slice(at, at + TURN);
    const found: Record<Name, number[]> = { float32: [], int16: [], onnx: [] };
    for (const name of names)
      times[name].push(
        await timed(async () => {
          found[name] = await contenders[name](some);
        }),
      );
    for (const name of ["float32", "int16"] as const)
      differences[name] = Math.max(
        differences[name],
        ...found[name].map((x, i) => Math.abs(x - found.onnx[i])),
      );
  }
  const perLine = (name: Name) => quantile(times[name], 0.5) / Math.min(TURN, count);
  const ratio = (name: Name) =>
    quantile(
      times[name].map((time, i) => times.onnx[i] / time),
      0.5,
    );
  return {
    scoreAllMilliseconds: perLine("float32"),
    int16Milliseconds: perLine("int16"),
    onnxMilliseconds: perLine("onnx"),
    ratio: ratio("float32"),
    int16Ratio: ratio("int16"),
    difference: differences.float32,
    int16Difference: differences.int16,
  };
}

const WINDOW = 32;

async function learnSteps() {
  for await (const _ of fit(model, text, { epochs: 1, batch: 8, sequence: 16 }));
  const session = await model.session({ learner: learner({ sequence: WINDOW }) });
  const times: number[] = [];
  for (let i = 0; i < 40; i++) {
    await session.read(sentence.slice(0, WINDOW));
    const { steps, milliseconds } = await session.learn();
    if (steps > 0) times.push(milliseconds);
  }
  return { tokens: WINDOW, milliseconds: quantile(times, 0.5), most: Math.max(...times) };
}

async function dynamicEvaluation() {
  // Its scale is a posterior's, which the row of learning leaves and no other.
  if (!model.posterior.precision)
    for await (const _ of fit(model, text, { epochs: 0.1, batch: 8, sequence: 16 }));
  const [plain, dynamic]: [number[], number[]] = [[], []];
  for (let i = 0; i < 5; i++) {
    plain.push(await timed(() => evaluate(model, text)));
    dynamic.push(await timed(() => evaluate(model, text, { dynamic: true })));
  }
  return {
    ratio: quantile(
      dynamic.map((time, i) => time / plain[i]),
      0.5,
    ),
  };
}

const rows: Readonly<Record<string, () => Promise<object | null>>> = {
  keystroke: () => keystrokes(Number(values.rounds)),
  memory,
  lists,
  lines: () => lines(Number(values.lines), Number(values.loop)),
  onnx: () => besideOnnx(Number(values.lines)),
  learn: learnSteps,
  dynamic: dynamicEvaluation,
};
const wanted = values.only?.split(",") ?? Object.keys(rows);
const found: Record<string, object | null> = {};
for (const name of wanted) found[name] = await rows[name]();
if (values.json) console.log(JSON.stringify(found));
else
  for (const [name, figures] of Object.entries(found)) console.log(name.padEnd(10), JSON.stringify(figures));
