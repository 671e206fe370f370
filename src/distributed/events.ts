/** @module What a run tells while it is under way, whatever does its jobs. */
import type { LanguageModel } from "../languageModel.ts";

export type RunEvent =
  | {
      readonly event: "run";
      readonly run: string;
      readonly resumed: boolean;
      readonly rounds: number;
      /** Of texts that the tokenizer hardly knows; null where nothing is to be said. */
      readonly warning: string | null;
    }
  | { readonly event: "shard"; readonly round: number; readonly shard: number; readonly worker: string }
  | {
      readonly event: "round";
      /** 0 for the warm-up, then 1 to `rounds`. */
      readonly round: number;
      readonly rounds: number;
      readonly tokens: number;
      /** Mean training loss of the round, nats a token. */
      readonly nll: number;
      readonly seconds: number;
    }
  /** A worker whose result two others did not come to. */
  | { readonly event: "poisoned"; readonly round: number; readonly shard: number; readonly worker: string }
  | {
      readonly event: "done" | "stopped";
      readonly run: string;
      readonly tokens: number;
      /** Of the last round that was merged; null where there was none. */
      readonly nll: number | null;
      readonly model: LanguageModel;
    };
