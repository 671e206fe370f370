/** @module The prompt, the controls, and the text that is written, token by token. */
import type { Piece } from "svi-lm/worker";
import { bring, h, replace, uniqueId } from "../../dom.ts";
import type { Current } from "../../engine/current.ts";
import { bits, strongest, unwritten } from "../../engine/words.ts";
import { choice, number, range } from "../../parts/controls.ts";
import { modelTrouble } from "../../parts/modelTrouble.ts";
import { isAbort } from "../../parts/notice.ts";
import { shaded } from "../../parts/shaded.ts";
import { details, type Written } from "./details.ts";
import { suggestions } from "./suggestions.ts";

/** Nats that get the strongest shade, at least: samples may disagree by little, and what counts is where. */
const STRONGEST = { entropy: 3, mutualInformation: 0.003 };
type Measure = keyof typeof STRONGEST;

/** What was typed last for a model of that name, for when the view is opened again. */
const drafts = new Map<string, string>();

export function desk({ model, card, posterior }: Current, signal: AbortSignal): HTMLElement {
  const id = uniqueId("prompt");
  const prompt = h("textarea", { id, rows: 3, spellcheck: "false" });
  prompt.value = drafts.get(card.name) ?? card.prompt;
  signal.addEventListener("abort", () => drafts.set(card.name, prompt.value));
  const temperature = range({
    label: "Temperature",
    least: 0.1,
    most: 1.5,
    step: 0.1,
    value: 0.7,
    hint: "Lower is safer, higher is bolder.",
  });
  const samples = range({
    label: "Samples",
    least: 0,
    most: posterior ? 16 : 0,
    step: 1,
    value: posterior ? 4 : 0,
    hint: posterior
      ? "Models drawn from the posterior and averaged; 0 for their mean alone."
      : "This model has one set of weights: there is nothing to draw from.",
  });
  const length = range({
    label: "Tokens",
    least: 20,
    most: 1000,
    step: 20,
    value: card.tokenizer === "word" ? 80 : 300,
    hint: `How many ${card.tokenizer}s it writes.`,
  });
  const seed = number("Seed", 1, "The same seed writes the same text.");
  const pieces: Piece[] = [];
  let beginning = "";
  const scaleOf = (by: Measure) =>
    strongest(
      pieces.map((piece) => piece[by]),
      STRONGEST[by],
    );
  const shade = (by: Measure) => {
    const scale = scaleOf(by);
    text.reshade((index) => (index === 0 ? null : pieces[index - 1][by] / scale));
  };
  const measure = choice<Measure>(
    "Shade by",
    [
      ["entropy", "Entropy"],
      ["mutualInformation", "Disagreement"],
    ],
    shade,
  );
  const told = details(model, signal);
  const text = shaded("What was written", "--svi", (index) => {
    if (index > 0) void told.show(writtenBefore(index));
  });
  const trouble = h("div", {});
  const status = h("span", { class: "hint", role: "status" });
  let writing: AbortController | null = null;
  const button = h(
    "button",
    {
      type: "button",
      class: "main",
      id: "write",
      on: { click: () => (writing ? writing.abort() : void write()) },
    },
    "Write",
  );
  signal.addEventListener("abort", () => writing?.abort());
  const written = h("section", { class: "card", "aria-label": "Written" }, text.element, told.element);
  return h(
    "div",
    {},
    h(
      "section",
      { class: "card", "aria-label": "Beginning and controls" },
      h("label", { for: id }, "It continues from"),
      prompt,
      suggestions({ model, field: prompt, signal, lost: (error) => replace(trouble, modelTrouble(error)) }),
      h("div", { class: "controls" }, temperature.element, samples.element, length.element, seed.element),
      h("div", { class: "row actions" }, button, measure.element, status),
      trouble,
    ),
    written,
  );

  function writtenBefore(index: number): Written {
    const before =
      beginning +
      pieces
        .slice(0, index - 1)
        .map((piece) => piece.text)
        .join("");
    return { before, piece: pieces[index - 1], samples: Number(samples.value()), seed: seed.value() };
  }

  async function write(): Promise<void> {
    writing = new AbortController();
    button.textContent = "Stop";
    replace(trouble);
    pieces.length = 0;
    text.clear();
    told.clear();
    beginning = prompt.value;
    text.add({ text: beginning, strength: null });
    bring(written);
    try {
      const options = {
        prompt: beginning || undefined,
        temperature: temperature.value(),
        samples: samples.value(),
        tokens: length.value(),
        seed: seed.value(),
        exclude: unwritten(model),
      };
      for await (const piece of model.generate({ ...options, signal: writing.signal })) {
        pieces.push(piece);
        text.add({ text: piece.text, strength: piece[measure.value()] / STRONGEST[measure.value()] });
      }
    } catch (error) {
      if (!isAbort(error)) {
        replace(trouble, modelTrouble(error));
        bring(trouble);
      }
    } finally {
      writing = null;
      button.textContent = "Write";
      shade(measure.value());
      status.textContent = pieces.length > 0 ? summary() : "";
    }
  }

  function summary(): string {
    const mean = (of: Measure) =>
      bits(pieces.reduce((sum, piece) => sum + piece[of], 0) / pieces.length).toFixed(2);
    return `${pieces.length} tokens: entropy ${mean("entropy")} bits, disagreement ${mean("mutualInformation")} bits, on average.`;
  }
}
