/** @module A moving line for work that is not training: reading a text, scoring it, writing one. */
import { SingleBar } from "cli-progress";
import type { FileSource } from "../entries/node.ts";
import type { Corpus } from "../text/corpus.ts";
import { BAR, isLive } from "./progress.ts";

/** Work that is done sooner shows nothing. */
const DELAY_MILLISECONDS = 300;

export interface Phase {
  /** @param share of the work that is done, 0 to 1 */
  at(share: number): void;
  stop(): void;
}

/** @param json whether stdout is for a program: then a terminal on stdout is left alone too */
export function phase(label: string, json: boolean): Phase {
  if (!isLive(json)) return { at() {}, stop() {} };
  const started = performance.now();
  const bar = new SingleBar({ ...BAR, format: "{bar} {percentage} %  {label}", clearOnComplete: true });
  let shown = false;
  let stopped = false;
  return {
    at(share) {
      if (stopped) return;
      if (!shown && performance.now() - started < DELAY_MILLISECONDS) return;
      if (!shown) bar.start(100, 0, { label });
      shown = true;
      bar.update(Math.min(100, Math.floor(100 * share)));
    },
    stop() {
      stopped = true;
      bar.stop();
    },
  };
}

/** The sources, with their reading shown: a vocabulary that is learnt takes a reading of its own. */
export async function watchingTexts<T>(
  texts: readonly FileSource[],
  { readings, json }: { readings: number; json: boolean },
  work: (texts: FileSource[]) => Promise<T>,
): Promise<T> {
  const shown = phase("reading", json);
  const total = readings * texts.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  const watched = texts.map((text) => ({
    ...text,
    read: async (start: number, end: number) => {
      const bytes = await text.read(start, end);
      done += bytes.length;
      shown.at(done / total);
      return bytes;
    },
  }));
  try {
    return await work(watched);
  } finally {
    shown.stop();
  }
}

/** Work that reads a corpus from its beginning to its end, with its place shown. */
export async function watchingCorpus<T>(
  corpus: Corpus,
  { label, json }: { label: string; json: boolean },
  work: () => Promise<T>,
): Promise<T> {
  const shown = phase(label, json);
  const lanes = corpus.lanes.bind(corpus);
  corpus.lanes = (options) => {
    const reader = lanes(options);
    const next = reader.next.bind(reader);
    reader.next = (inputs, targets, sources) => {
      shown.at(reader.cursor / reader.windows);
      return next(inputs, targets, sources);
    };
    return reader;
  };
  try {
    return await work();
  } finally {
    corpus.lanes = lanes;
    shown.stop();
  }
}
