/**
 * @module `svi-lm/rescoring`: candidate lists of recognisers and translators, read, weighed with a language model's
 * log-probabilities, reordered and written.
 */
export {
  FORMAT_NAMES,
  type FormatName,
  type ReadLists,
  readLists,
  writeLists,
} from "../rescoring/formats/formats.ts";
export type { Candidate, CandidateList, ListFile, RankedCandidate, RankedList } from "../rescoring/lists.ts";
export { readReferences } from "../rescoring/references.ts";
export {
  type RescoredList,
  type RescoreOptions,
  type Rescoring,
  type RescoringErrors,
  rescore,
  type Weights,
} from "../rescoring/rescore.ts";
export { type ModelScorerOptions, modelScorer, type ScoredText, type Scorer } from "../rescoring/scorer.ts";
