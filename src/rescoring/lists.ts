/** @module What a recogniser or a translator proposes: lists of candidates with scores, whatever file they came in. */

/** What a score and a weight may be at most, either way: far beyond any logarithm, and no sum of products overflows. */
export const LARGEST = 1e100;

export function isMeasurable(value: number): boolean {
  return Number.isFinite(value) && Math.abs(value) <= LARGEST;
}

/** A proposal. */
export interface Candidate {
  readonly text: string;
  /** By name; natural logarithms where the format says what its scores are, and higher is better in all of them. */
  readonly scores: Readonly<Record<string, number>>;
  /** What the format has beside, to be written as it was read. */
  readonly rest?: readonly string[];
}

/** What was proposed for one utterance or sentence. */
export interface CandidateList {
  readonly id: string;
  readonly candidates: readonly Candidate[];
}

/** A candidate in the order that was found. */
export interface RankedCandidate extends Candidate {
  /** Σ weight × score. */
  readonly total: number;
  /** What a language model, the first of several, says of it; null where none was asked. The others' are in `scores`. */
  readonly logProbability: number | null;
}

/** Candidates from the best to the worst. */
export interface RankedList {
  readonly id: string;
  readonly candidates: readonly RankedCandidate[];
}

/** A file by name, as text. */
export interface ListFile {
  readonly name: string;
  readonly text: string;
}

/** One format of candidate lists. */
export interface ListFormat {
  /** Weights of the format's own scores where nothing else is known; a name that is not here weighs 0. */
  readonly weights: Readonly<Record<string, number>>;
  /** Whether a file's name or beginning is this format's. */
  recognises(file: ListFile): boolean;
  /** @throws SviError `E_FORMAT` with the file and the line */
  read(files: readonly ListFile[]): CandidateList[];
  write(lists: readonly RankedList[]): ListFile[];
}
