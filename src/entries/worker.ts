/** @module svi-lm in a worker: no kernels and no training on the caller's side, only handles and descriptions. */
export { SviError, type SviErrorCode } from "../errors.ts";
export type { Evaluation } from "../evaluation/tally.ts";
export * from "../inference/public.ts";
export type { CompleteOptions, Completion } from "../prediction/complete.ts";
export type { Piece } from "../prediction/generate.ts";
export type { LearningOptions, Learnt } from "../prediction/learning.ts";
export type { Score, ScoredToken } from "../prediction/score.ts";
export type { TextFailure, TextScore, Texts } from "../prediction/scoreAll.ts";
export type { Distribution, Next, NextToken } from "../prediction/session.ts";
export type { Checkpointing, StepRecord } from "../training/fit.ts";
export type { LearnerOptions } from "../training/learner.ts";
export { type Schedule, schedule } from "../training/schedule.ts";
export type { SourceFailure, Target, Translation } from "../translation/translate.ts";
export type { WorkerClient, WorkerTranslateAllOptions, WorkerTranslateOptions } from "../worker/client.ts";
export { connect } from "../worker/connect.ts";
export type { ConnectOptions } from "../worker/connection.ts";
export type { WorkerCorpus, WorkerCorpusOptions } from "../worker/corpus.ts";
export type { NodeWorker, WebWorker } from "../worker/host.ts";
export type {
  WorkerCreateOptions,
  WorkerGenerateOptions,
  WorkerImportOptions,
  WorkerLanguageModel,
  WorkerScoreAllOptions,
  WorkerScoreOptions,
  WorkerSessionOptions,
} from "../worker/model.ts";
export type { WorkerAdaptOptions, WorkerEvaluateOptions, WorkerFitOptions } from "../worker/runs.ts";
export { learner, type WorkerLearner, type WorkerSession } from "../worker/session.ts";
export type { AnyTokenizer, WorkerTokenizer } from "../worker/tokenizer.ts";
