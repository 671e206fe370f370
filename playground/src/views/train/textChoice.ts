/** @module Which text is learnt: a sample, or one's own. */
import { h } from "../../dom.ts";
import { droppable, textInput } from "../../parts/textInput.ts";
import { fetchSample, SAMPLES, type Sample } from "../../texts/samples.ts";
import type { Task } from "../../training/duel.ts";

/** What was chosen last, for when the view is opened again. */
let chosen: Sample | null = SAMPLES[0];
let ownText = "";
const UNNAMED = "Your text";
let ownName = UNNAMED;

/** The prompt for one's own text: its first words, as it begins a line. */
function promptOf(text: string): string {
  return /\b(?:The|the|I|We|A) /.exec(text)?.[0] ?? `${text.trimStart().slice(0, 1)}`;
}

export function textChoice(): { element: HTMLElement; task: () => Promise<Task> } {
  const what = h("p", { class: "hint" });
  const input = textInput({
    label: "Your own text",
    rows: 6,
    placeholder: "Paste a text here: a book, your diary, a log. It stays in this page.",
    changed: (text, name) => {
      ownText = text;
      if (name !== null) ownName = name;
      else if (text === "") ownName = UNNAMED;
      choose(null);
    },
  });
  const own = h("div", { class: "own", hidden: true }, input.element);
  const chips = SAMPLES.map((sample) => chip(sample.label, sample));
  const yours = chip("Your own", null);
  const group = h("fieldset", { class: "chips" }, h("legend", {}, "Learn from"), chips, yours);
  input.set(ownText);
  choose(chosen);
  const element = h("div", { class: "choice" }, group, what, own);
  // A file may be dropped wherever the texts are; where it is refused, the field to try again stands there too.
  droppable(element, (files) => {
    choose(null);
    void input.take(files[0]);
  });
  return { element, task };

  function chip(label: string, sample: Sample | null): HTMLElement {
    const radio = h("input", {
      type: "radio",
      name: "text",
      value: sample?.id ?? "own",
      on: { change: () => choose(sample) },
    });
    return h("label", { class: "chip" }, radio, h("span", {}, label));
  }

  function choose(sample: Sample | null): void {
    chosen = sample;
    for (const radio of group.querySelectorAll("input"))
      radio.checked = radio.value === (sample?.id ?? "own");
    what.textContent = sample ? `It learns from ${sample.what}.` : "";
    what.hidden = sample === null;
    own.hidden = sample !== null;
  }

  async function task(): Promise<Task> {
    if (!chosen) return { text: ownText, label: ownName, prompt: promptOf(ownText) };
    return { text: await fetchSample(chosen.file), label: chosen.label, prompt: chosen.prompt };
  }
}
