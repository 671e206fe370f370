/** @module What the server of a federated run and its parties say to each other over HTTP, as JSON and as bytes. */
import type { WireError } from "../../worker/wire.ts";
import type { Job } from "../round.ts";

/** POST /join: who takes part. The tokens are how much a party's text counts; null where they are nobody's affair. */
export interface Joining {
  readonly party: string;
  readonly tokens: number | null;
  readonly version: string;
  /** Of the kernels. */
  readonly sources: string;
}

/** GET /job?party=…: the same job as a queue has; its model is read at GET /blob/…, the plan is in the answer. */
export type Offer =
  | { readonly offer: "wait" }
  | { readonly offer: "end" }
  | { readonly offer: "job"; readonly plan: string; readonly job: Job };

/** POST /result?party=…&round=…&nll=…&tokens=…: its body is the change. */
export interface Sent {
  readonly party: string;
  readonly round: number;
  /** Both null where the result is protected. */
  readonly nll: number | null;
  readonly tokens: number | null;
}

/** Status of a server that is about to end, and may be started again. */
export const AWAY = 503;

/** Of every answer that is not 200. */
export interface Refusal {
  readonly error: WireError;
}
