/** @module A score token by token, as words. */
import type { Score } from "svi-lm/worker";
import { bits } from "../../engine/words.ts";
import { visible } from "../../parts/figures.ts";

export interface Word {
  readonly text: string;
  /** Bits that it surprised by; null for text that was not scored. */
  readonly surprise: number | null;
  /** Bits a token that the samples disagree by. */
  readonly doubt: number;
  readonly tokens: number;
}

/** Words with the space behind them; figures of tokens that reach into a word count for it. */
export function wordsOf(text: string, { tokens }: Score): Word[] {
  const words: Word[] = [];
  let next = 0;
  for (const match of text.matchAll(/\S+\s*|\s+/g)) {
    const end = match.index + match[0].length;
    let [surprise, doubt, count] = [0, 0, 0];
    for (; next < tokens.length && tokens[next].start < end; next++) {
      surprise -= bits(tokens[next].logProbability);
      doubt += bits(tokens[next].mutualInformation);
      count++;
    }
    words.push({
      text: match[0],
      surprise: count > 0 ? surprise : null,
      doubt: count > 0 ? doubt / count : 0,
      tokens: count,
    });
  }
  return words;
}

/** What is told of a word that is looked at. */
export function wordSays({ text, surprise, doubt, tokens }: Word): string {
  if (surprise === null) return `“${visible(text.trim())}” was not scored: nothing comes before it.`;
  return `“${text.trim()}” surprised it by ${surprise.toFixed(1)} bits over ${tokens} token${tokens === 1 ? "" : "s"}; its samples disagree by ${doubt.toFixed(3)} bits a token.`;
}

/** What stands there before a word is looked at. */
export const HOW_TO_LOOK = "Tap or point at a word, or move with the arrow keys.";

/** Bits a token over the whole text. */
export function bitsPerToken({ logProbability, tokens }: Score): number {
  return -bits(logProbability) / tokens.length;
}
