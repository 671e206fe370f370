/** @module What the two sides say to each other: plain data, and numbers that stand for what cannot leave its side. */

import type { EvaluateOptions } from "../evaluation/evaluate.ts";
import type { Evaluation } from "../evaluation/tally.ts";
import type { ImportOptions } from "../importModel.ts";
import type { CreateOptions } from "../languageModel.ts";
import type { ModelConfiguration } from "../model/configuration.ts";
import type { CompleteOptions, Completion } from "../prediction/complete.ts";
import type { GenerateOptions } from "../prediction/generate.ts";
import type { LearningOptions, Learnt } from "../prediction/learning.ts";
import type { SessionOptions } from "../prediction/openSession.ts";
import type { Score, ScoreOptions } from "../prediction/score.ts";
import type { ScoreAllOptions } from "../prediction/scoreAll.ts";
import type { Distribution, Next } from "../prediction/session.ts";
import type { CorpusOptions } from "../text/corpus.ts";
import type { LearnOptions } from "../text/learn.ts";
import type { Tokenizer, TokenizerDescription } from "../text/types.ts";
import type { AdaptOptions } from "../training/adapt.ts";
import type { FitOptions, Validation } from "../training/fit.ts";
import type { LearnerOptions } from "../training/learner.ts";
import type { TranslateAllOptions, TranslateOptions, Translation } from "../translation/translate.ts";
import type { WireError } from "./wire.ts";

/** Something that lives in the worker: a corpus, a tokenizer, a model. */
export type Handle = number;
/** Something under way in the worker, which an abort can name. */
export type Job = number;
/** A function of the caller's. */
export type Callback = number;

/** What can be posted as it is, or bytes that the caller reads on demand. */
export type WireSource = string | Uint8Array | Blob | { readonly size: number; readonly read: Callback };

export type WireTokenizer =
  | "byte"
  | "character"
  | "word"
  | TokenizerDescription
  | { readonly handle: Handle };

export interface TokenizerState
  extends Pick<Tokenizer, "kind" | "vocabularySize" | "unknown" | "endOfLine" | "lossless"> {
  readonly handle: Handle;
}

export interface CorpusState {
  readonly handle: Handle;
  readonly tokens: number;
  readonly bytes: number;
}

export interface ModelState {
  readonly handle: Handle;
  readonly configuration: ModelConfiguration;
  readonly parameters: number;
  readonly tokenizer: TokenizerState;
}

export interface SessionState {
  readonly handle: Handle;
  readonly samples: number;
}

/** What was found of one of many texts, or why there is nothing. */
export type WireFound<Found> = Found | { readonly index: number; readonly failure: WireError };

/** Flat vectors, copied. */
export interface PosteriorState {
  readonly mean: Float32Array<ArrayBuffer>;
  readonly precision: Float32Array<ArrayBuffer> | null;
  readonly lambda: number | null;
}

type Plain<T> = Omit<T, "signal" | "kernels">;

export type WireCorpusOptions = Plain<Omit<CorpusOptions, "tokenizer">> & {
  readonly tokenizer: WireTokenizer;
};
export type WireCreateOptions = Plain<Omit<CreateOptions, "tokenizer">> & {
  readonly tokenizer: WireTokenizer;
};
export type WireImportOptions = Plain<Omit<ImportOptions, "tokenizer">> & {
  readonly tokenizer: WireTokenizer;
};
export type WireFitOptions = Plain<Omit<FitOptions, "until" | "validation" | "checkpoint">> & {
  readonly validation?: Omit<Validation, "corpus"> & { readonly corpus: Handle };
  readonly checkpoint?: { readonly every: number; readonly save: Callback };
};

export type WireAdaptOptions = Omit<WireFitOptions, "inference"> &
  Omit<AdaptOptions, keyof FitOptions | "past" | "rehearse"> & {
    readonly past?: readonly Handle[];
    readonly rehearse?: Handle;
  };

/** What `learner()` of svi-lm/worker returns: a description, of which the worker makes a learner. */
export interface WorkerLearner {
  readonly kind: "learner";
  readonly options: LearnerOptions;
}

export type WireSessionOptions = Plain<Omit<SessionOptions, "learner">> & {
  readonly learner?: WorkerLearner;
};

/** What the worker does. A job comes first wherever an abort may end it. */
export interface ThreadFunctions {
  hello(options: {
    readonly lock?: string;
    readonly kernels?: WebAssembly.Module;
    /** Whether products take 256-bit code. */
    readonly wide?: boolean;
  }): Promise<{
    readonly version: string;
    /** Whether the worker holds the lock. */
    readonly held: boolean;
  }>;
  openCorpus(
    job: Job,
    source: readonly WireSource[],
    options: WireCorpusOptions,
  ): Promise<CorpusState & { readonly tokenizer: TokenizerState }>;
  corpusOfTokens(
    ids: Int32Array,
    tokenizer: WireTokenizer,
  ): CorpusState & { readonly tokenizer: TokenizerState };
  sliceCorpus(corpus: Handle, from: number, to: number | undefined): CorpusState;
  splitCorpus(corpus: Handle, fractions: readonly number[]): CorpusState[];
  fingerprint(corpus: Handle): Promise<string>;
  learnTokenizer(
    job: Job,
    source: readonly WireSource[],
    options: Plain<LearnOptions>,
  ): Promise<TokenizerState>;
  encode(tokenizer: Handle, text: string): Int32Array;
  decode(tokenizer: Handle, ids: Int32Array): string;
  continueText(tokenizer: Handle, before: Int32Array, ids: Int32Array): string;
  describe(tokenizer: Handle): TokenizerDescription;
  createModel(options: WireCreateOptions): Promise<ModelState>;
  loadModel(job: Job, source: Uint8Array | ArrayBuffer | Blob): Promise<ModelState>;
  importModel(
    job: Job,
    source: Uint8Array | ArrayBuffer | Blob,
    options: WireImportOptions,
  ): Promise<ModelState>;
  toBytes(model: Handle): Uint8Array;
  hash(model: Handle): string;
  embedding(model: Handle, token: number): Float32Array;
  posterior(model: Handle): PosteriorState;
  disposeModel(model: Handle): void;
  evaluate(job: Job, model: Handle, corpus: Handle, options: Plain<EvaluateOptions>): Promise<Evaluation>;
  score(job: Job, model: Handle, text: string, options: Plain<ScoreOptions>): Promise<Score>;
  /** @param pull gives some texts at a time, null at their end */
  beginScoreAll(job: Job, model: Handle, pull: Callback, options: Plain<ScoreAllOptions>): void;
  translate(job: Job, model: Handle, source: string, options: Plain<TranslateOptions>): Promise<Translation>;
  /** @param pull as for `beginScoreAll` */
  beginTranslateAll(job: Job, model: Handle, pull: Callback, options: Plain<TranslateAllOptions>): void;
  openSession(model: Handle, options: WireSessionOptions): Promise<SessionState>;
  sessionRead(session: Handle, text: string): Promise<void>;
  sessionWord(session: Handle): string;
  sessionTop(session: Handle, count: number | undefined): Next;
  sessionDistribution(session: Handle): Distribution;
  sessionComplete(job: Job, session: Handle, options: Omit<CompleteOptions, "signal">): Promise<Completion[]>;
  sessionLearn(job: Job, session: Handle, options: Omit<LearningOptions, "signal">): Promise<Learnt>;
  sessionLearntBytes(session: Handle): Promise<Uint8Array>;
  sessionFork(session: Handle): SessionState;
  sessionBytes(session: Handle): Uint8Array;
  sessionDispose(session: Handle): void;
  beginFit(job: Job, model: Handle, corpus: Handle, options: WireFitOptions): void;
  beginAdapt(job: Job, model: Handle, corpus: Handle, options: WireAdaptOptions): void;
  beginGenerate(job: Job, model: Handle, options: Plain<GenerateOptions>): void;
  /** The next value of a run; undefined at its end. */
  next(job: Job): Promise<unknown>;
  /** Ends a run before its end; what its own ending finds wrong is thrown unless `leaving`. */
  close(job: Job, leaving: boolean): Promise<void>;
  abort(job: Job): void;
  release(handle: Handle): void;
}

/** What the caller's side does. */
export interface CallerFunctions {
  callback(callback: Callback, ...args: unknown[]): unknown;
  /** The worker serves from now on. */
  ready(): void;
}
