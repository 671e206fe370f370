/** @module The public face of svi-lm, without kernels: each entry point of the package adds them in its own way. */
export { SviError, type SviErrorCode, type SviErrorDetails } from "./errors.ts";
export type { DynamicOptions } from "./evaluation/dynamic.ts";
export { type EvaluateOptions, evaluate } from "./evaluation/evaluate.ts";
export type { Evaluation, ReliabilityBin } from "./evaluation/tally.ts";
export { fitTemperature } from "./evaluation/temperature.ts";
export type { BytesSource } from "./formats/bytes.ts";
export {
  type ImportOptions,
  importModel,
  modelFromTensors,
  type PartNames,
  type TensorOptions,
  type TensorValues,
} from "./importModel.ts";
export type { HessianRatio } from "./inference/guide.ts";
export * from "./inference/public.ts";
export { type Capabilities, type Capability, capabilities } from "./kernels/capabilities.ts";
export type { ProductForm } from "./kernels/forms.ts";
export type { Build } from "./kernels/identity.ts";
export type { Kernels } from "./kernels/kernels.ts";
export { type CreateOptions, LanguageModel, type LoadOptions } from "./languageModel.ts";
export type { AttentionForm, ModelConfiguration, ModelOptions } from "./model/configuration.ts";
export type { Layout, Segment } from "./model/layout.ts";
export type { Quantization } from "./model/matrix.ts";
export { Posterior } from "./model/posterior.ts";
export { Background, type BackgroundOptions } from "./prediction/background.ts";
export type { CacheOptions } from "./prediction/cache.ts";
export type { CompleteOptions, Completion } from "./prediction/complete.ts";
export type { CachedForm, PredictionForm, Sampling } from "./prediction/ensemble.ts";
export type { GenerateOptions, Piece } from "./prediction/generate.ts";
export type { Learner, LearningOptions, Learnt } from "./prediction/learning.ts";
export type { Model } from "./prediction/model.ts";
export type { SessionOptions } from "./prediction/openSession.ts";
export { type BatchProducts, int16Products } from "./prediction/products.ts";
export type { Score, ScoredToken, ScoreOptions } from "./prediction/score.ts";
export type { ScoreAllOptions, TextFailure, TextScore, Texts } from "./prediction/scoreAll.ts";
export type { Distribution, Next, NextToken, Session } from "./prediction/session.ts";
export * from "./text/index.ts";
export { type AdaptOptions, adapt } from "./training/adapt.ts";
export {
  type AverageOptions,
  type Checkpointing,
  type FitOptions,
  fit,
  type StepRecord,
  type Validation,
} from "./training/fit.ts";
export { type LearnerOptions, learner } from "./training/learner.ts";
export { type Schedule, schedule } from "./training/schedule.ts";
