/**
 * @module `svi-lm/metrics`: word and character error rates as sclite counts them, BLEU and chrF as sacreBLEU does, and
 * intervals over sentences. No kernels, no models: a few kilobytes that run anywhere.
 */
export type { AlignedWord } from "../metrics/align.ts";
export { type Bleu, type BleuOptions, bleu, sentenceBleu } from "../metrics/bleu.ts";
export {
  type Interval,
  type IntervalOptions,
  interval,
  type PairedInterval,
  pairedInterval,
  type Resampled,
} from "../metrics/bootstrap.ts";
export { type Chrf, type ChrfOptions, chrf, sentenceChrf } from "../metrics/chrf.ts";
export {
  type CharacterOptions,
  characterErrorRate,
  characterErrors,
  type ErrorCounts,
  type ErrorRate,
  type Errors,
  type Texts,
  wordErrorRate,
  wordErrors,
} from "../metrics/errorRate.ts";
export type { WordOptions } from "../metrics/notation.ts";
export { percent } from "../metrics/percent.ts";
export type { BleuTokenization } from "../metrics/tokenize.ts";
