/** @module Two texts side by side: which is more like what the model learnt. */
import type { Score } from "svi-lm/worker";
import { h } from "../../dom.ts";
import type { Current } from "../../engine/current.ts";
import { apart } from "../../parts/figures.ts";
import { shaded } from "../../parts/shaded.ts";
import { textInput } from "../../parts/textInput.ts";
import { card, scoringForm } from "./form.ts";
import { requireScorable } from "./single.ts";
import { bitsPerToken, HOW_TO_LOOK, wordSays, wordsOf } from "./words.ts";

const EXAMPLES = [
  "There was a whale in the water, and the men looked at it from the boat.",
  "The quarterly report shows revenue growth of 12 per cent across all regions.",
];
const SAMPLES = 8;
const STRONGEST = 7;

/** What was compared last, for when the view is opened again. */
const texts = [...EXAMPLES];

export function comparison({ model, posterior }: Current, signal: AbortSignal): HTMLElement {
  const inputs = ["First text", "Second text"].map((label, i) => {
    const input = textInput({
      label,
      rows: 4,
      placeholder: "Paste a text",
      changed: (next) => {
        texts[i] = next;
      },
    });
    input.set(texts[i]);
    return input.element;
  });
  return scoringForm([h("div", { class: "pair" }, inputs)], async () => {
    texts.forEach(requireScorable);
    const scores: Score[] = [];
    for (const text of texts)
      scores.push(await model.score(text, { samples: posterior ? SAMPLES : 0, signal }));
    const means = scores.map(bitsPerToken);
    const { gap, nearer } = apart(means[0], means[1]);
    return h(
      "div",
      {},
      h(
        "p",
        { class: "verdict", role: "status" },
        nearer
          ? `The ${nearer} text is more like what the model learnt, by ${gap} bits a token.`
          : "Both texts are equally like what the model learnt.",
      ),
      h(
        "div",
        { class: "pair" },
        texts.map((text, i) => {
          const label = i === 0 ? "First text" : "Second text";
          const told = h("p", { class: "details", role: "status" }, HOW_TO_LOOK);
          const words = wordsOf(text, scores[i]);
          const shown = shaded(label, "--ml", (index) => {
            told.textContent = wordSays(words[index]);
          });
          for (const word of words)
            shown.add({
              text: word.text,
              strength: (word.surprise ?? 0) / Math.max(1, word.tokens) / STRONGEST,
            });
          return card(
            label,
            h(
              "div",
              { class: "heading" },
              h("h2", {}, label),
              h("span", { class: "bits" }, `${means[i].toFixed(2)} bits a token`),
            ),
            shown.element,
            told,
          );
        }),
      ),
    );
  });
}
