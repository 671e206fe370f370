/** @module Lines, such as those of a log, sorted by how strange each is. */

import { h } from "../../dom.ts";
import type { Current } from "../../engine/current.ts";
import { whole } from "../../parts/figures.ts";
import { Refusal } from "../../parts/notice.ts";
import { textInput } from "../../parts/textInput.ts";
import { fetchSample } from "../../texts/samples.ts";
import { card, scoringForm } from "./form.ts";

const SHOWN = 40;
const MOST = 5000;
const SAMPLES = 4;
const TOLD_EVERY = 50;

/** What was sorted last, for when the view is opened again. */
let text = "";

export function lines({ model, posterior }: Current, signal: AbortSignal): HTMLElement {
  const input = textInput({
    label: "Lines",
    rows: 8,
    code: true,
    placeholder: "Paste lines: of a log, names, a list",
    changed: (next) => {
      text = next;
    },
  });
  input.set(text);
  const odd = () =>
    fetchSample("log-strange.txt").then((log) => {
      text = log;
      input.set(log);
    }, input.refuse);
  const example = h(
    "button",
    { type: "button", class: "quiet", on: { click: () => void odd() } },
    "Take a log with four odd lines",
  );
  const hint = h(
    "p",
    { class: "hint" },
    "Train on the server's log, or on lines of your own, and it finds those that do not belong.",
  );
  input.element.querySelector(".row")!.append(example);
  return scoringForm([input.element, hint], async (told) => {
    const found = text.split("\n").filter((line) => line.trim().length > 1);
    if (found.length < 2)
      throw new Refusal("There are fewer than two lines", "Paste a few lines, one under the other");
    if (found.length > MOST)
      throw new Refusal(
        `There are ${found.length.toLocaleString("en")} lines`,
        `Sort at most ${MOST.toLocaleString("en")} at a time`,
      );
    const symbols = model.tokenizer.kind === "word" ? "words" : "characters";
    return sorted(found, await surprises(found, told), symbols);
  });

  async function surprises(found: readonly string[], told: (words: string) => void): Promise<number[]> {
    const by: number[] = [];
    for await (const score of model.scoreAll(found, { samples: posterior ? SAMPLES : 0, signal })) {
      by.push(score.error === null ? score.surprise : Number.POSITIVE_INFINITY);
      if (by.length % TOLD_EVERY === 0) told(`${whole(by.length)} of ${whole(found.length)} lines are read…`);
    }
    return by;
  }
}

function sorted(found: readonly string[], by: readonly number[], symbols: string): HTMLElement {
  const order = found.map((_, i) => i).sort((a, b) => by[b] - by[a]);
  const [most, least] = [by[order.find((i) => Number.isFinite(by[i])) ?? 0], by[order[order.length - 1]]];
  const part = (i: number) =>
    Number.isFinite(by[i]) && most > least ? ((by[i] - least) / (most - least)) * 100 : 100;
  return card(
    "Lines by strangeness",
    h("h2", {}, "Strangest first"),
    h(
      "p",
      { class: "hint" },
      `${whole(found.length)} lines; the ${Math.min(SHOWN, found.length)} strangest are shown. The figure says how much less the model expected a line than its ${symbols} taken one by one, in nats each: a familiar line is well below 0. Lines with symbols that it never saw come first.`,
    ),
    h(
      "ol",
      { class: "strange" },
      order
        .slice(0, SHOWN)
        .map((i) =>
          h(
            "li",
            { style: `--part: ${part(i).toFixed(0)}%` },
            h("code", {}, found[i]),
            h("small", {}, Number.isFinite(by[i]) ? by[i].toFixed(2).replace("-", "−") : "unreadable"),
          ),
        ),
    ),
  );
}
