/** @module One written token: how likely it was, and what else might have come. */
import type { Piece, WorkerLanguageModel } from "svi-lm/worker";
import { h, replace } from "../../dom.ts";
import { bits } from "../../engine/words.ts";
import { visible } from "../../parts/figures.ts";
import { likeliest } from "../../parts/likeliest.ts";
import { modelTrouble } from "../../parts/modelTrouble.ts";

export interface Written {
  /** All text before it. */
  readonly before: string;
  readonly piece: Piece;
  readonly samples: number;
  readonly seed: number;
}

export function details(model: WorkerLanguageModel, signal: AbortSignal) {
  const hint =
    "Tap or point at a token, or move to it with the arrow keys, to see the five that were likeliest.";
  const element = h("div", { class: "details", role: "status" }, h("p", { class: "hint" }, hint));
  let asked = 0;
  const clear = () => replace(element, h("p", { class: "hint" }, hint));
  const show = async (written: Written) => {
    const own = ++asked;
    // While a pointer sweeps over a line only the last token is asked for.
    await new Promise((resolve) => setTimeout(resolve, 60));
    if (own !== asked || signal.aborted) return;
    try {
      const next = await likeliestAt(model, written);
      if (own === asked && !signal.aborted)
        replace(element, h("p", {}, wordsOf(written.piece)), likeliest(next, written.piece.token));
    } catch (error) {
      if (own === asked && !signal.aborted) replace(element, modelTrouble(error));
    }
  };
  return { element, show, clear };
}

async function likeliestAt(model: WorkerLanguageModel, { before, samples, seed }: Written) {
  const session = await model.session({ samples, seed });
  try {
    if (before !== "") await session.read(before);
    return await session.top(5);
  } finally {
    await session.dispose();
  }
}

function wordsOf({ text, probability, entropy, mutualInformation }: Piece): string {
  const share = `“${visible(text)}” had ${(probability * 100).toFixed(1)} %.`;
  return `${share} The model was unsure by ${bits(entropy).toFixed(2)} bits; its samples disagreed by ${bits(mutualInformation).toFixed(3)} bits.`;
}
