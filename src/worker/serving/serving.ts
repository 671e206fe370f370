/** @module What all that a worker does works with. */
import type { JsonTokenizerReader } from "../../text/types.ts";
import type { Callback } from "../protocol.ts";
import type { Jobs } from "./jobs.ts";
import type { Objects } from "./objects.ts";

export interface ServeOptions {
  /** `jsonTokenizer` of `svi-lm/tokenizers`, for models that use a tokenizer.json. */
  readonly json?: JsonTokenizerReader;
}

export interface Serving extends ServeOptions {
  readonly objects: Objects;
  readonly jobs: Jobs;
  /** Calls a function of the caller's. */
  callback(callback: Callback, ...args: unknown[]): Promise<unknown>;
}
