/** @module What users see of inference: how a method is described. */
export { type AdamMethod, adam } from "./adam.ts";
export { type AdamWMethod, adamw } from "./adamw.ts";
export { type BbbMethod, bayesByBackprop, bbb, type MeanFieldMethod } from "./bbb.ts";
export { type IvonMethod, ivon, type Strides } from "./ivon/method.ts";
export {
  type GaussianPrior,
  gaussianPrior,
  type PosteriorPrior,
  type Prior,
  posteriorPrior,
  type ScaleMixturePrior,
  scaleMixturePrior,
} from "./method.ts";
export type { Method } from "./methods.ts";
export { type SgdMethod, sgd } from "./sgd.ts";
