/** @module One text: words that surprise, and words that it cannot judge. */

import { h, replace } from "../../dom.ts";
import type { Current } from "../../engine/current.ts";
import { strongest } from "../../engine/words.ts";
import { choice } from "../../parts/controls.ts";
import { visible } from "../../parts/figures.ts";
import { Refusal } from "../../parts/notice.ts";
import { shaded } from "../../parts/shaded.ts";
import { textInput } from "../../parts/textInput.ts";
import { card, scoringForm } from "./form.ts";
import { bitsPerToken, HOW_TO_LOOK, type Word, wordSays, wordsOf } from "./words.ts";

const EXAMPLE =
  "The old sailor looked at the sea and said nothing. Then he opened his smartphone, and the captain walked upon the deck.";
const SAMPLES = 8;
/** Characters at most: enough for an essay. */
export const LONGEST = 20_000;
/** Bits of a word, and bits a token, that get the strongest shade, at least. */
const STRONGEST = { surprise: 7, doubt: 0.005 };
type Measure = keyof typeof STRONGEST;

/** What was looked at last, for when the view is opened again. */
let text = EXAMPLE;

export function single({ model, posterior }: Current, signal: AbortSignal): HTMLElement {
  const input = textInput({
    label: "Text",
    rows: 5,
    placeholder: "Paste a text",
    changed: (next) => {
      text = next;
    },
  });
  input.set(text);
  return scoringForm([input.element], async () => {
    requireScorable(text);
    const score = await model.score(text, { samples: posterior ? SAMPLES : 0, signal });
    return found(wordsOf(text, score), bitsPerToken(score), posterior);
  });
}

/** @throws Refusal */
export function requireScorable(text: string): void {
  if (text.trim().length < 2)
    throw new Refusal("There is nothing to score", "Type or paste a text of at least two characters");
  if (text.length > LONGEST)
    throw new Refusal(
      `The text has ${text.length.toLocaleString("en")} characters`,
      `Score at most ${LONGEST.toLocaleString("en")} at a time`,
    );
}

function found(words: readonly Word[], mean: number, posterior: boolean): HTMLElement {
  const told = h("p", { class: "details", role: "status" }, HOW_TO_LOOK);
  const scales = {
    surprise: strongest(
      words.map(({ surprise }) => surprise ?? 0),
      STRONGEST.surprise,
    ),
    doubt: strongest(
      words.map(({ doubt }) => doubt),
      STRONGEST.doubt,
    ),
  };
  const strength = (word: Word, measure: Measure) => (word[measure] ?? 0) / scales[measure];
  const text = shaded("The scored text", "--ml", (index) =>
    replace(told, h("span", {}, wordSays(words[index]))),
  );
  const measure = choice<Measure>(
    "Shade by",
    [
      ["surprise", "Surprise"],
      ["doubt", "Cannot judge"],
    ],
    (value) => {
      text.element.style.setProperty("--shade", value === "surprise" ? "var(--ml)" : "var(--svi)");
      text.reshade((index) => strength(words[index], value));
    },
  );
  for (const word of words) text.add({ text: word.text, strength: strength(word, "surprise") });
  return h(
    "div",
    {},
    card(
      "Scored text",
      h(
        "p",
        { class: "row" },
        measure.element,
        h("span", { class: "grow" }),
        h("strong", {}, `${mean.toFixed(2)} bits a token`),
      ),
      text.element,
      told,
    ),
    h(
      "div",
      { class: "pair" },
      ranking(
        "Surprised it most",
        words,
        (word) => word.surprise ?? 0,
        (word) => `${(word.surprise ?? 0).toFixed(1)} bits`,
      ),
      posterior
        ? ranking(
            "It cannot judge",
            words,
            (word) => word.doubt,
            (word) => `${word.doubt.toFixed(3)} bits a token`,
          )
        : card(
            "It cannot judge",
            h("h2", {}, "It cannot judge"),
            h("p", { class: "hint" }, "This model has one set of weights: no samples that could disagree."),
          ),
    ),
  );
}

function ranking(
  title: string,
  words: readonly Word[],
  by: (word: Word) => number,
  says: (word: Word) => string,
): HTMLElement {
  const top = words
    .filter(({ surprise }) => surprise !== null)
    .sort((a, b) => by(b) - by(a))
    .slice(0, 6);
  return card(
    title,
    h("h2", {}, title),
    h(
      "ol",
      { class: "ranking" },
      top.map((word) =>
        h("li", {}, h("span", {}, word.text.trim() || visible(word.text)), h("small", {}, says(word))),
      ),
    ),
  );
}
