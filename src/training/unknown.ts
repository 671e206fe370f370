/** @module A text that the tokenizer does not know: told, or refused, before a run learns that all is unknown. */
import { SviError } from "../errors.ts";
import type { LaneReader } from "../text/tokens.ts";

/** Targets that are looked at; their lanes begin all over the text. */
const LOOKED_AT = 2048;
/** Share from which on it is told: a vocabulary that was made for a text has most of its words. */
const MUCH = 0.5;
const OTHER = "a tokenizer that was made for such texts, a larger vocabulary, or bytes";

/**
 * The share of the first targets that is unknown.
 * @param unknown id of the unknown token; null for none
 * @throws SviError `E_UNKNOWN_SYMBOL` where all are
 */
export async function unknownShare(lanes: LaneReader, unknown: number | null): Promise<number> {
  if (unknown === null) return 0;
  const inputs = new Int32Array(lanes.batch * lanes.sequence);
  const targets = inputs.slice();
  let [seen, count] = [0, 0];
  while (seen < LOOKED_AT || count === seen) {
    const time = await lanes.next(inputs, targets);
    if (time === 0) break;
    for (const id of targets.subarray(0, time * lanes.batch)) {
      if (id >= 0) seen++;
      if (id === unknown) count++;
    }
  }
  await lanes.seek(0);
  if (seen > 0 && count === seen)
    throw new SviError("E_UNKNOWN_SYMBOL", "All tokens that the run reads are unknown to the tokenizer", {
      value: unknown,
      remedy: `Give ${OTHER}`,
    });
  return count / Math.max(1, seen);
}

/** @param text what it is called */
export function unknownWarning(text: string, share: number): string | null {
  if (share < MUCH) return null;
  return `${Math.floor(100 * share)} % of the tokens of the ${text} are unknown to the tokenizer; give ${OTHER}`;
}
