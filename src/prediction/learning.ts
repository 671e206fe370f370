/** @module What a session learns by: `learner()` of training makes it and is handed in, so that who only reads has none. */
import type { Kernels } from "../kernels/kernels.ts";
import type { Posterior } from "../model/posterior.ts";
import type { Model } from "./model.ts";

/** What `learner()` returns, for the option of that name of `model.session`. */
export interface Learner {
  readonly kind: "learner";
  /** @internal */
  open(model: Model, at: LearnerPlace): Promise<Learning>;
}

/** Tokens that were read and wait to be learnt from, the last of them the session's last. */
export interface WaitingTokens {
  readonly ids: readonly number[];
  /** Whether they do not follow what was learnt last. */
  readonly apart: boolean;
}

/** Where a session is that begins to learn. */
export interface LearnerPlace {
  readonly waiting: WaitingTokens;
  /** Tokens of the session's text. */
  readonly place: number;
  readonly kernels?: Kernels;
}

export interface LearningOptions {
  /** Steps at most, 1 by default. */
  readonly steps?: number;
  readonly signal?: AbortSignal;
}

/** What `session.learn()` did. */
export interface Learnt {
  /** Updates of the weights; 0 where too little was read since the last ones. */
  readonly steps: number;
  /** Tokens that were learnt from. */
  readonly tokens: number;
  /** Of these tokens before they were learnt from, at weights drawn from the posterior, nats a token; null for none. */
  readonly loss: number | null;
  /** Tokens that were learnt from since the beginning, also by sessions that this one continues. */
  readonly total: number;
  /** Tokens that wait for the next steps. */
  readonly waiting: number;
  /** Tokens that were dropped unlearnt since the session was opened: more waited than are kept. */
  readonly dropped: number;
  readonly milliseconds: number;
}

/** A copy of a model's posterior that learns from what one session reads. */
export interface Learning {
  readonly posterior: Posterior;
  /** Fingerprint of the model's own weights. */
  readonly base: string;
  readonly waiting: WaitingTokens;
  /** Takes a token that was read. */
  push(token: number): void;
  /** Takes back what was read behind so many tokens. */
  back(place: number): void;
  /** @param settled tokens of the text that are not going to be taken back */
  learn(settled: number, options: LearningOptions): Promise<Learnt>;
  /** A model file that `learner({ from })` continues. */
  toBytes(): Promise<Uint8Array>;
  release(): void;
}
