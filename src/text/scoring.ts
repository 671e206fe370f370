/** @module Documents of which a first part is read and not scored: which targets count, and how many. */
import { SviError } from "../errors.ts";
import type { TokenStore } from "./tokens.ts";
import type { Tokenizer } from "./types.ts";

/** Ids of the symbols that decide it. */
export interface Scoring {
  /** Targets that follow this one within their document are scored. */
  readonly after: number;
  /** Ends a document, and is scored as its last target. */
  readonly separator: number;
}

/** How a model's texts are cut into documents, and what of them it was scored on: ids. */
export interface Documents {
  /** Stands before a document, whose state begins with it, and ends it. */
  readonly separator: number;
  /** What comes up to and with it is read and not scored; null where all is. */
  readonly after: number | null;
}

/** Tokens read at a time. */
const BLOCK = 65536;
/** Tokens looked back at first, for the beginning of a document; then ever more. */
const LOOK_BACK = 64;

/** @throws SviError `E_OPTION` for a symbol that is not one token of the vocabulary */
export function scoringOf(tokenizer: Tokenizer, scoreAfter: string, separator: string): Scoring {
  const scoring = {
    after: idOf(tokenizer, "scoreAfter", scoreAfter),
    separator: idOf(tokenizer, "separator", separator),
  };
  if (scoring.after !== scoring.separator) return scoring;
  throw new SviError("E_OPTION", `scoreAfter and separator are both ${JSON.stringify(separator)}`, {
    option: "scoreAfter",
    value: scoreAfter,
    remedy: "Give two symbols: one within a document, one between two",
  });
}

function idOf(tokenizer: Tokenizer, option: string, symbol: string): number {
  const ids = typeof symbol === "string" && symbol !== "" ? tokenizer.encode(symbol) : [];
  if (ids.length === 1 && ids[0] !== tokenizer.unknown) return ids[0];
  const has = ids.length > 1 ? `is ${ids.length} tokens` : "is not in the vocabulary";
  throw new SviError("E_OPTION", `${option} ${JSON.stringify(symbol)} ${has}`, {
    option,
    value: symbol,
    remedy: "Give a symbol that is one token of the vocabulary",
  });
}

/** Walks over inputs and says of each whether the target behind it is scored. */
export function scores(scoring: Scoring, input: number, before: boolean): boolean {
  return input === scoring.after || (before && input !== scoring.separator);
}

/** Positions, from `first` on, of the tokens that are scored. @param before what was read before the tokens */
export function scoredPositions(
  documents: Documents | null,
  before: ArrayLike<number>,
  ids: ArrayLike<number>,
  first: number,
): number[] {
  const after = documents?.after ?? null;
  const scoring = documents && after !== null ? { ...documents, after } : null;
  let scored = scoring === null;
  if (scoring) for (let i = 0; i < before.length; i++) scored = scores(scoring, before[i], scored);
  const positions: number[] = [];
  for (let t = 0; t < ids.length; t++) {
    if (scored && t >= first) positions.push(t);
    if (scoring) scored = scores(scoring, ids[t], scored);
  }
  return positions;
}

/** Whether the target behind the token before `position` is scored: what a lane that begins there begins with. */
export async function scoredAt(store: TokenStore, scoring: Scoring, position: number): Promise<boolean> {
  for (let back = LOOK_BACK; position > 0; back *= 16) {
    const from = Math.max(0, position - back);
    const ids = new Int32Array(position - from);
    await store.cursor(from, 1).take(ids, ids.length);
    for (let i = ids.length - 1; i >= 0; i--) {
      if (ids[i] === scoring.after) return true;
      if (ids[i] === scoring.separator) return false;
    }
    if (from === 0) break;
  }
  return false;
}

/**
 * Scored targets among the tokens `from … to − 1`, the first of which is nobody's target.
 * @throws SviError `E_OPTION` for a document that lacks the symbol
 */
export async function countScored(
  store: TokenStore,
  scoring: Scoring,
  from: number,
  to: number,
): Promise<number> {
  const cursor = store.cursor(from, 1);
  const ids = new Int32Array(Math.min(BLOCK, to - from));
  let scored = await scoredAt(store, scoring, from);
  let [count, document, tokens] = [0, 1, 0];
  for (let at = from; at < to; at += ids.length) {
    const taken = Math.min(ids.length, to - at);
    await cursor.take(ids, taken);
    for (let i = 0; i < taken; i++) {
      if (scored && at + i > from) count++;
      if (ids[i] === scoring.separator) {
        if (!scored && tokens > 0) throw lacking(scoring, document);
        document++;
        tokens = 0;
      } else tokens++;
      scored = scores(scoring, ids[i], scored);
    }
  }
  return count;
}

function lacking({ after }: Scoring, document: number): SviError {
  return new SviError("E_OPTION", `Document ${document} lacks the symbol that scoring begins after`, {
    option: "scoreAfter",
    value: { document, symbol: after },
    remedy: "Put the symbol between what is read and what is scored, in every document",
  });
}
