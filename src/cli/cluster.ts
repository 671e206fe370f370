/** @module `svi-lm cluster`: one run over many machines; its model depends on text, options and seed alone. */

import type { Telemetry } from "bullmq";
import { notInstalled } from "../distributed/packages.ts";
import { openText } from "../distributed/texts.ts";
import type { RunEvent } from "../entries/distributed.ts";
import { LanguageModel } from "../languageModel.ts";
import { byteTokenizer } from "../text/byte.ts";
import { jsonTokenizer } from "../text/json.ts";
import { learnTokenizer } from "../text/learn.ts";
import type { TextSource } from "../text/source.ts";
import type { Tokenizer } from "../text/types.ts";
import { command, type Values } from "./command.ts";
import { readTokenizer, requireWritable, TOKENIZERS } from "./files.ts";
import { requireFiles } from "./inputs.ts";
import { KERNELS, kernelsFor, THREADS } from "./kernels.ts";
import { count, counted, duration, fixed, note, printJson, printTable, warn } from "./print.ts";
import { nothingMerged, saveMerged } from "./save.ts";
import { UsageError } from "./usage.ts";

const REDIS = {
  redis: { kind: "text", value: "URL", help: "address of Redis or Valkey, such as redis://localhost:6379" },
} as const;

const SHARED = {
  ...REDIS,
  store: {
    kind: "text",
    value: "DIR",
    help: "folder that all machines share, or s3://bucket/prefix; Redis itself where omitted",
  },
  lock: {
    kind: "number",
    value: "S",
    default: 30,
    help: "seconds after which the job of a lost worker is given to another",
  },
  telemetry: { kind: "flag", help: "spans and metrics for OpenTelemetry, by the package bullmq-otel" },
} as const;

const RUN = {
  out: { kind: "path", value: "M", use: "write", help: "the model file to write" },
  tokenizer: {
    kind: "path",
    use: "read",
    words: TOKENIZERS,
    value: "byte|character|word|FILE",
    default: "byte",
    help: "as in train",
  },
  embedding: { kind: "number", default: 64, help: "width of the embedding" },
  hidden: { kind: "number", default: 256, help: "units of a layer" },
  layers: { kind: "number", default: 1, help: "layers, 1 to 4" },
  tied: { kind: "flag", help: "the output layer uses the embedding's weights" },
  shards: { kind: "number", default: 8, help: "parts of the text: as many jobs in every round" },
  rounds: { kind: "number", default: 100, help: "times that the shards' posteriors are merged" },
  local: { kind: "number", value: "X", default: 0.05, help: "epochs over its shard that a job reads" },
  "warm-up": {
    kind: "number",
    value: "X",
    default: 0.5,
    help: "epochs over the first shard before the first round",
  },
  damping: { kind: "number", value: "X", default: 1, help: "share of the merged change that is made" },
  momentum: {
    kind: "number",
    value: "X",
    help: "share of a round's movement that the next one continues with; by the number of shards",
  },
  verify: { kind: "number", default: 0, help: "jobs of a round that a second worker repeats (needs two)" },
  batch: {
    kind: "number",
    help: "lanes of text that a job reads side by side; 32 over the shards where omitted, 4 at least",
  },
  sequence: { kind: "number", default: 64, help: "tokens that gradients flow back through" },
  seed: { kind: "number", default: 1, help: "the same seed gives the same model, to the bit" },
  products: { kind: "choice", choices: ["float32", "int16"], help: "as in train" },
  ...SHARED,
} as const;

type RunOptions = Values<typeof RUN>;

export const coordinate = command({
  name: "cluster coordinate",
  summary: "train one model with workers on many machines, through Redis",
  example: "svi-lm cluster coordinate big.txt --redis redis://host:6379 --out big.svi",
  words: ["text…"],
  addresses: true,
  options: RUN,
  async run({ words, options, json, interruption }) {
    const { out } = options;
    const redis = addressOf(options);
    if (!out) throw new UsageError("--out is missing");
    await requireFiles(words, "cluster coordinate");
    await requireWritable(out);
    const { coordinate } = await import("../entries/distributed.ts");
    const { embedding, hidden, layers, tied, seed, lock, batch, products } = options;
    const { shards, rounds, local, damping, momentum, verify, sequence, store } = options;
    const { signal } = interruption;
    const tokenizer = await tokenizerOf(options, words, signal);
    const model = await LanguageModel.create({ tokenizer, embedding, hidden, layers, tied, seed });
    const plan = { shards, rounds, local, damping, momentum, verify, warmUp: options["warm-up"], seed };
    const reading = { batch, sequence, products, texts: words, model };
    const telemetry = await telemetryOf(options);
    const shared = { redis, store, json: jsonTokenizer, lockSeconds: lock, telemetry, signal };
    const started = performance.now();
    for await (const event of coordinate({ ...plan, ...reading, ...shared })) {
      if (!("model" in event)) {
        tell(event, redis, json);
        continue;
      }
      const seconds = (performance.now() - started) / 1000;
      if (event.tokens === 0) return nothingMerged({ tokens: 0, seconds }, json, interruption);
      await conclude(event, seconds, out, json);
    }
    return interruption.requested ? interruption.exitCode : 0;
  },
});

type RunProgress = Exclude<RunEvent, { readonly model: LanguageModel }>;

function tell(event: RunProgress, redis: string, json: boolean): void {
  if (json) printJson(event);
  else if (event.event === "run") {
    note(
      `run ${event.run}${event.resumed ? ", continued" : ""}; workers: svi-lm cluster work --redis ${redis}`,
    );
    if (event.warning) warn(event.warning, json);
  } else if (event.event === "round")
    note(
      `round ${event.round} of ${event.rounds}  ${fixed(event.nll)} nats  ${counted(event.tokens, "token")}`,
    );
  else if (event.event === "poisoned")
    note(`warning: ${event.worker} came to another result for shard ${event.shard} than two others`);
}

async function conclude(
  { event, model, tokens, nll }: Extract<RunEvent, { readonly model: LanguageModel }>,
  seconds: number,
  out: string,
  json: boolean,
): Promise<void> {
  const { parameters } = model;
  const figures = { event, tokens, seconds, tokensPerSecond: tokens / seconds, valid: null, parameters };
  await saveMerged({ model, nll, out }, json, figures, [
    [event === "done" ? "trained" : "stopped", `${counted(tokens, "token")} in ${duration(seconds)}`],
    ["parameters", count(parameters)],
  ]);
}

function addressOf({ redis }: { readonly redis?: string }): string {
  if (redis) return redis;
  throw new UsageError("--redis is missing");
}

/** What the process exports by is OpenTelemetry's own affair: `node --import` of its setup. */
async function telemetryOf({ telemetry }: { readonly telemetry?: boolean }): Promise<Telemetry | undefined> {
  if (!telemetry) return undefined;
  try {
    const { BullMQOtel } = await import("bullmq-otel");
    return new BullMQOtel({ tracerName: "svi-lm" });
  } catch (cause) {
    throw notInstalled(["bullmq-otel"], cause);
  }
}

async function tokenizerOf(
  { tokenizer = "byte" }: RunOptions,
  texts: readonly string[],
  signal: AbortSignal,
): Promise<Tokenizer> {
  if (tokenizer === "byte") return byteTokenizer();
  const kind = tokenizer === "char" || tokenizer === "character" ? "character" : tokenizer;
  if (kind !== "character" && kind !== "word") return readTokenizer(tokenizer, signal);
  const opened: Awaited<ReturnType<typeof openText>>[] = [];
  try {
    for (const text of texts) opened.push(await openText(text));
    return await learnTokenizer(opened as TextSource[], { kind, signal });
  } finally {
    for (const text of opened) await text.close();
  }
}

export const work = command({
  name: "cluster work",
  summary: "do jobs of the runs under way until Ctrl-C, which gives back the one in hand",
  example: "svi-lm cluster work --redis redis://host:6379",
  words: [],
  options: { ...SHARED, ...THREADS, ...KERNELS },
  async run({ options, json, interruption }) {
    const redis = addressOf(options);
    const { work } = await import("../entries/distributed.ts");
    const kernels = await kernelsFor(options);
    const { store, lock: lockSeconds } = options;
    const { signal } = interruption;
    const telemetry = await telemetryOf(options);
    const shared = { redis, store, json: jsonTokenizer, lockSeconds, telemetry, signal };
    for await (const event of work({ ...shared, kernels })) {
      if (json) printJson(event);
      else if (event.event === "ready") note(`${event.worker} waits for jobs`);
      else if (event.event === "failed") note(`svi-lm: ${event.code}: ${event.message}`);
      else if (event.event === "done")
        note(
          `round ${event.round + 1}, shard ${event.shard}: ${counted(event.tokens, "token")} in ${duration(event.seconds)}`,
        );
    }
    return interruption.exitCode;
  },
});

export const status = command({
  name: "cluster status",
  summary: "list runs, their jobs and their workers",
  example: "svi-lm cluster status --redis redis://host:6379",
  words: [],
  options: REDIS,
  async run({ options, json, interruption: { signal } }) {
    const { clusterStatus } = await import("../entries/distributed.ts");
    const status = await clusterStatus({ redis: addressOf(options), signal });
    if (json) printJson(status);
    else if (status.runs.length === 0) note("There is no run");
    else
      printTable([
        ["run", "status", "round", "tokens", "nats", "waiting", "active", "workers"],
        ...status.runs.map(({ run, status, coordinator, round, rounds, tokens, nll, jobs, workers }) => [
          run,
          status === "running" && !coordinator ? "running, no coordinator" : status,
          `${Math.max(0, round)}/${rounds}`,
          count(tokens),
          fixed(nll),
          count(jobs.waiting),
          count(jobs.active),
          count(workers),
        ]),
      ]);
    return 0;
  },
});

export const board = command({
  name: "cluster board",
  summary: "serve a page of runs, jobs and workers until Ctrl-C",
  example: "svi-lm cluster board --redis redis://host:6379 --port 3000",
  words: [],
  options: {
    ...REDIS,
    port: { kind: "number", default: 3000, help: "where to listen; 0 for any port that is free" },
    host: { kind: "text", value: "ADDRESS", help: "address to listen on; this machine alone where omitted" },
  },
  async run({ options, json, interruption }) {
    const { openBoard } = await import("../entries/distributed.ts");
    const { port, host } = options;
    const { signal } = interruption;
    const board = await openBoard({ redis: addressOf(options), port, host, signal });
    if (json) printJson({ event: "serving", url: board.url });
    else note(`Runs, jobs and workers: ${board.url}`);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    await board.close();
    return interruption.exitCode;
  },
});

export const stop = command({
  name: "cluster stop",
  summary: "end a run; its coordinator writes the model of the last merged round",
  example: "svi-lm cluster stop --redis redis://host:6379",
  words: [],
  options: {
    ...REDIS,
    run: { kind: "text", value: "ID", help: "which run, where several are under way" },
  },
  async run({ options, json, interruption: { signal } }) {
    const { clusterStatus, stopRun } = await import("../entries/distributed.ts");
    const redis = addressOf(options);
    const { runs } = await clusterStatus({ redis, signal });
    const run = await stopRun({ redis, run: options.run, signal });
    const coordinator = runs.some((one) => one.run === run && one.coordinator);
    if (json) printJson({ event: "stopping", run, coordinator });
    else if (coordinator) note(`Run ${run} ends with its last merged round`);
    else
      note(
        `Run ${run} is listed as stopped; nobody coordinates it: the same coordinate command continues it`,
      );
    return 0;
  },
});
