/** @module The room `text`; `json.ts` (a library) and `file.ts` (Node) are imported on their own. */
export { Corpus, type CorpusOptions, type StreamOptions } from "./corpus.ts";
export { type LearnOptions, learnTokenizer } from "./learn.ts";
export type { PairFiles, Pairs } from "./pairSources.ts";
export type { PairOptions } from "./pairs.ts";
export { type TextPieces, textPieces } from "./pieces.ts";
export type { Documents } from "./scoring.ts";
export type { ByteSource, LineEnds, TextSource } from "./source.ts";
export type { TextStream } from "./stream.ts";
export {
  byteTokenizer,
  characterTokenizer,
  type JsonTokenizerReader,
  type Tokenizer,
  type TokenizerDescription,
  tokenizerFromDescription,
  wordTokenizer,
} from "./tokenizer.ts";
export type { DocumentCounts, LaneOptions, LaneReader, SourceRanges } from "./tokens.ts";
