/** @module The model that Write and Score use: the one that was trained or opened last. */
import type { WorkerLanguageModel } from "svi-lm/worker";
import { keepTheRest } from "../offline.ts";
import { Signal } from "../signal.ts";

/** What is known of a model, kept beside it. */
export interface Card {
  readonly name: string;
  /** What it was trained on. */
  readonly text: string;
  readonly tokenizer: string;
  /** Bits a token on text that it did not learn from; null where that is not known. */
  readonly heldOutBits: number | null;
  /** A beginning that suits its text. */
  readonly prompt: string;
  readonly licence?: string;
  readonly calibration?: number;
  readonly hash?: string;
}

export interface Current {
  readonly model: WorkerLanguageModel;
  readonly card: Card;
  /** Whether it stands in this browser's store, under that key. */
  readonly kept: string | null;
  /** Its file, from which it is read again where its worker is lost; null for one that is still being trained. */
  readonly file: Blob | null;
  /** Whether samples of it can be drawn: a file may hold one set of weights alone. */
  readonly posterior: boolean;
}

export const current = new Signal<Current | null>(null);

/** Models that a run needs, whatever is in use. */
const held = new Set<WorkerLanguageModel>();

/** Takes a model into use; the one before is given back, unless a run needs it. */
export function use(next: Current | null): void {
  const before = current.value?.model;
  current.value = next;
  if (before && before !== next?.model && !held.has(before)) before.dispose().catch(() => {});
  if (next) void keepTheRest();
}

/** Keeps a model for a run. */
export function hold(model: WorkerLanguageModel): void {
  held.add(model);
}

/** The run has no need of it any more. */
export function letGo(model: WorkerLanguageModel): void {
  held.delete(model);
  if (current.value?.model !== model) model.dispose().catch(() => {});
}
