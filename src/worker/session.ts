/** @module Sessions, as the caller of a worker has them. */
import type { CompleteOptions, Completion } from "../prediction/complete.ts";
import type { LearningOptions, Learnt } from "../prediction/learning.ts";
import type { Distribution, Next } from "../prediction/session.ts";
import type { LearnerOptions } from "../training/learner.ts";
import type { Connection } from "./connection.ts";
import type { SessionState, WorkerLearner } from "./protocol.ts";
import { CONNECTION, HANDLE, Remote } from "./remote.ts";

export type { WorkerLearner } from "./protocol.ts";

/**
 * What a session of the worker learns by: with the options of `learner` of svi-lm, which the worker checks.
 *
 * ```ts
 * const session = await model.session({ learner: learner({ sequence: 16 }) });
 * ```
 */
export function learner(options: LearnerOptions = {}): WorkerLearner {
  return { kind: "learner", options };
}

/** A session in the worker: as in svi-lm, with promises for what its weights are needed for. */
export class WorkerSession extends Remote {
  readonly samples: number;

  constructor(connection: Connection, state: SessionState) {
    super(connection, state.handle);
    this.samples = state.samples;
  }

  /** Takes more text, as short as a keystroke. */
  read(text: string): Promise<void> {
    return this[CONNECTION].call("sessionRead", this[HANDLE], text);
  }

  /** What was typed since the last space. */
  word(): Promise<string> {
    return this[CONNECTION].call("sessionWord", this[HANDLE]);
  }

  /** The `count` likeliest next tokens. */
  top(count?: number): Promise<Next>;
  top(...given: [number?]): Promise<Next> {
    return this[CONNECTION].call("sessionTop", this[HANDLE], ...given);
  }

  /** The probabilities of all tokens. */
  distribution(): Promise<Distribution> {
    return this[CONNECTION].call("sessionDistribution", this[HANDLE]);
  }

  /** Whole words that begin with what is half typed. */
  complete({ signal, ...options }: CompleteOptions = {}): Promise<Completion[]> {
    return this[CONNECTION].abortable(signal, "sessionComplete", this[HANDLE], options);
  }

  /**
   * Learns from what was read since the last time: as in svi-lm, between the reads that are asked for before and after.
   * @throws what `learn` of svi-lm does
   */
  learn({ signal, ...options }: LearningOptions = {}): Promise<Learnt> {
    return this[CONNECTION].abortable(signal, "sessionLearn", this[HANDLE], options);
  }

  /** What was learnt as a model file, for `learner({ from })` or `LanguageModel.load`. Moved here, not copied. */
  learntBytes(): Promise<Uint8Array> {
    return this[CONNECTION].call("sessionLearntBytes", this[HANDLE]);
  }

  /** Another session in the same place. */
  async fork(): Promise<WorkerSession> {
    const state = await this[CONNECTION].call("sessionFork", this[HANDLE]);
    return new WorkerSession(this[CONNECTION], state);
  }

  /** The session's place, for `model.session({ from })`, here or in svi-lm itself. */
  toBytes(): Promise<Uint8Array> {
    return this[CONNECTION].call("sessionBytes", this[HANDLE]);
  }

  /** Ends the session; every later use throws. */
  dispose(): Promise<void> {
    return this[CONNECTION].call("sessionDispose", this[HANDLE]);
  }
}
