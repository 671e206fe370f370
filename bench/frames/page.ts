/** The page: trains in a worker or on its own thread, and times the gaps between animation frames meanwhile. */
import {
  adam,
  byteTokenizer,
  Corpus,
  fit,
  ivon,
  LanguageModel,
  type StepRecord,
  type Tokenizer,
  wordTokenizer,
} from "../../src/entries/index.ts";
import { connect } from "../../src/entries/worker.ts";

export interface Case {
  readonly where: "worker" | "page" | "nothing";
  readonly size: "small" | "large";
  readonly method: "ivon" | "adam";
  readonly seconds: number;
  /** Steps between two checkpoints, 0 for none. */
  readonly checkpoint: number;
}

export interface Found {
  /** Longest gap between two animation frames, and the one that 99 % stay within, in ms. */
  readonly longest: number;
  readonly usual: number;
  readonly frames: number;
  readonly steps: number;
  readonly tokensPerSecond: number;
}

const SHAPES = {
  small: { model: { embedding: 64, hidden: 256, layers: 1 }, run: { batch: 32, sequence: 64 } },
  large: { model: { embedding: 650, hidden: 650, layers: 2 }, run: { batch: 20, sequence: 35 } },
};
const WORDS = 9_998;

/** Words of falling frequency; numbers from a fixed rule, so that every run reads the same text. */
function wordText(count: number): string {
  let state = 1;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return `w${Math.floor((state / 2 ** 32) ** 3 * WORDS)}`;
  }).join(" ");
}

function textOf(size: Case["size"]): { text: string; tokenizer: Tokenizer } {
  if (size === "small") return { text: wordText(60_000), tokenizer: byteTokenizer() };
  return {
    text: wordText(60_000),
    tokenizer: wordTokenizer({ words: Array.from({ length: WORDS }, (_, i) => `w${i}`) }),
  };
}

/** Gaps between frames from now on, until it is stopped. */
function watchFrames(): () => number[] {
  const gaps: number[] = [];
  let last = performance.now();
  let watching = true;
  const frame = () => {
    const now = performance.now();
    gaps.push(now - last);
    last = now;
    if (watching) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  return () => {
    watching = false;
    return gaps;
  };
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function measure({ where, size, method, seconds, checkpoint }: Case): Promise<Found> {
  const { text, tokenizer } = textOf(size);
  const { model: shape, run } = SHAPES[size];
  const options = {
    ...run,
    inference: method === "ivon" ? ivon() : adam(),
    epochs: 1000,
    checkpoint: checkpoint > 0 ? { every: checkpoint, save: () => {} } : undefined,
  };
  const lm = where === "worker" ? await connect(new Worker("worker/thread.js", { type: "module" })) : null;
  let records: AsyncIterable<StepRecord> | undefined;
  if (lm) {
    const corpus = await lm.Corpus.open(text, { tokenizer });
    const model = await lm.LanguageModel.create({ tokenizer: corpus.tokenizer, ...shape });
    records = lm.fit(model, corpus, options);
  } else if (where === "page") {
    const corpus = await Corpus.open(text, { tokenizer });
    const model = await LanguageModel.create({ tokenizer, ...shape });
    records = fit(model, corpus, options);
  }
  await wait(500);
  const gaps = watchFrames();
  const started = performance.now();
  let steps = 0;
  if (!records) await wait(1000 * seconds);
  else
    for await (const _ of records) {
      steps++;
      if (performance.now() - started > 1000 * seconds) break;
    }
  const elapsed = (performance.now() - started) / 1000;
  await wait(100);
  const sorted = Float64Array.from(gaps()).sort();
  lm?.terminate();
  return {
    longest: sorted[sorted.length - 1],
    usual: sorted[Math.floor(0.99 * sorted.length)],
    frames: sorted.length,
    steps,
    tokensPerSecond: (steps * run.batch * run.sequence) / elapsed,
  };
}

Object.assign(globalThis, { measure });
