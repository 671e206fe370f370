/** @module What a job and its result are, whatever carries them. */

/** Round of the job that comes before the first one. */
export const WARM_UP = -1;

/** One shard's work of a round. */
export interface Job {
  /** Blob of the run's plan. */
  readonly plan: string;
  readonly round: number;
  readonly shard: number;
  /** Blobs: the posterior that all shards begin with, and what the shard's last job must remember; null before one. */
  readonly model: string;
  readonly state: string | null;
}

/** What a job comes to: a function of the job and the text alone, but for the time it took and who did it. */
export interface JobResult {
  /** Blob: how the posterior's natural parameters change; of the warm-up, the model. */
  readonly change: string;
  readonly state: string;
  /** Hash of the shard's tokens. */
  readonly text: string;
  readonly tokens: number;
  /** Mean training loss, nats a token. */
  readonly nll: number;
  readonly seconds: number;
  readonly worker: string;
}
