/** @module Explain: what a posterior over weights is, in five pictures that the package makes itself. */
import { h, replace } from "../../dom.ts";
import { use } from "../../engine/current.ts";
import { isLost } from "../../engine/engines.ts";
import { revive } from "../../engine/opening.ts";
import { percent } from "../../parts/figures.ts";
import { noticeOf } from "../../parts/notice.ts";
import type { View } from "../../router.ts";
import { EPOCHS, type Lesson, learn } from "./lesson.ts";
import { bells, calibration, judgements, narrowing, readers } from "./pictures.ts";

interface Chapter {
  readonly title: string;
  readonly text: (lesson: Lesson | null) => string;
  readonly draw: (lesson: Lesson) => Element;
}

const CHAPTERS: readonly Chapter[] = [
  {
    title: "A weight is not a number but a bell",
    text: () =>
      "Training by maximum likelihood ends with one number for every weight. Variational inference ends with a mean and a width: values in the bell go with the text that was read. Here are 21 weights of a model, from the surest to the least sure.",
    draw: bells,
  },
  {
    title: "What is read often has narrow bells",
    text: () =>
      "Before anything is read, a weight may be nearly anything. Every token that is read rules some values out. Here is every character of the text, by how often it comes and by how wide the bells of its weights are at the end: what is rare stays open.",
    draw: narrowing,
  },
  {
    title: "Every draw is another reader",
    text: () =>
      "One value from each bell makes a whole model. All of them have learnt the text; where they agree, the text has settled the matter. Six of them, and what they expect next:",
    draw: readers,
  },
  {
    title: "Unlikely is not the same as unknown",
    text: () =>
      "A word can be a surprise although the model knows the situation well. That its samples disagree says something else: it has not learnt enough to judge.",
    draw: judgements,
  },
  {
    title: "What it is good for",
    text: (lesson) =>
      `Averaged readers beside one single reader, after both have read the same few pages ${EPOCHS} times, which invites learning by heart: how often each is right on other pages (upwards) when it is so sure (to the right). The dotted line is ideal; above it a model is more cautious than it need be, below it bolder than it should be.${lesson ? figuresOf(lesson) : ""}`,
    draw: calibration,
  },
];

/** What this run shows, whatever it is. */
function figuresOf({ svi, ml }: Lesson): string {
  const of = (one: Lesson["svi"]) => {
    const { sure, right } = boldness(one);
    const kind = sure > right ? "bolder than it is right" : "no bolder than it is right";
    return `${kind} (${percent(sure)} sure, ${percent(right)} right; ${one.bitsPerToken.toFixed(2)} bits a character, calibration error ${one.ece.toFixed(3)})`;
  };
  return ` In this run SVI (solid) is ${of(svi)}, and maximum likelihood (dashed) is ${of(ml)}.`;
}

/** How sure a model was of its first guesses, and how often they were right, over all tokens. */
function boldness({ reliability }: Lesson["svi"]): { sure: number; right: number } {
  const tokens = reliability.reduce((sum, bin) => sum + bin.tokens, 0);
  const mean = (of: "confidence" | "accuracy") =>
    reliability.reduce((sum, bin) => sum + (bin.tokens > 0 ? bin[of] * bin.tokens : 0), 0) / tokens;
  return { sure: mean("confidence"), right: mean("accuracy") };
}

/** What was made once stays for as long as the page does. */
let made: Lesson | null = null;

export const view: View = ({ signal }) => {
  const trouble = h("div", {});
  const status = h("span", { class: "hint", role: "status" });
  const bar = h("progress", {
    max: 1,
    value: 0,
    "aria-label": "Part of the pictures that is done",
    hidden: true,
  });
  const chapters = h("div", { class: "chapters" });
  const start = h(
    "button",
    { type: "button", class: "main", id: "explain", on: { click: () => void make() } },
    "Make the pictures",
  );
  const show = () => {
    start.textContent = made ? "Make them again" : "Make the pictures";
    replace(chapters, CHAPTERS.map(chapterOf));
  };
  show();
  return h(
    "div",
    { class: "view explain" },
    h("h1", {}, "What a posterior over weights is, and what it is good for"),
    h(
      "p",
      { class: "lead" },
      "Five pictures. Each is made here, by two small models that learn the beginning of Moby Dick while you wait, less than a minute.",
    ),
    h("div", { class: "row" }, start, status),
    bar,
    trouble,
    chapters,
  );

  async function make(): Promise<void> {
    start.disabled = true;
    bar.hidden = false;
    replace(trouble);
    try {
      made = await learn((what, part) => {
        bar.value = part;
        if (status.textContent !== what) status.textContent = what;
      }, signal);
      status.textContent = "";
    } catch (error) {
      status.textContent = "";
      // The model in use was in the same worker.
      if (isLost(error)) await revive().catch(() => use(null));
      if (!signal.aborted) replace(trouble, noticeOf(error));
    } finally {
      start.disabled = false;
      bar.hidden = true;
    }
    show();
  }
};

function chapterOf({ title, text, draw }: Chapter, i: number): HTMLElement {
  return h(
    "section",
    { class: "card chapter", "aria-label": title },
    h("h2", {}, h("span", { class: "numeral", "aria-hidden": "true" }, i + 1), title),
    h("p", {}, text(made)),
    made ? draw(made) : h("div", { class: "unmade", "aria-hidden": "true" }),
  );
}
