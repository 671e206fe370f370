/** @module Lines, such as those of a log, sorted by how strange each is. */

import { h } from "../../dom.ts";
import type { Current } from "../../engine/current.ts";
import { Refusal } from "../../parts/notice.ts";
import { textInput } from "../../parts/textInput.ts";
import { fetchSample } from "../../texts/samples.ts";
import { card, scoringForm } from "./form.ts";

const SHOWN = 40;
const MOST = 5000;
const SAMPLES = 4;

export function lines({ model }: Current, signal: AbortSignal): HTMLElement {
  let text = "";
  let failure: unknown = null;
  const input = textInput({
    label: "Lines",
    rows: 8,
    placeholder: "Paste lines: of a log, names, a list",
    refused: (error) => {
      failure = error;
    },
    changed: (next) => {
      failure = null;
      text = next;
    },
  });
  const example = h(
    "button",
    {
      type: "button",
      class: "quiet",
      on: {
        click: () =>
          void fetchSample("log-strange.txt").then(
            (log) => {
              text = log;
              input.set(log);
            },
            (error) => {
              failure = error;
            },
          ),
      },
    },
    "Take a log with four odd lines",
  );
  const hint = h(
    "p",
    { class: "hint" },
    "Train on the server's log, or on lines of your own, and it finds those that do not belong.",
  );
  return scoringForm([input.element, h("p", { class: "row" }, example), hint], async () => {
    if (failure !== null) throw failure;
    const found = text.split("\n").filter((line) => line.trim().length > 1);
    if (found.length < 2)
      throw new Refusal("There are fewer than two lines", "Paste a few lines, one under the other");
    if (found.length > MOST)
      throw new Refusal(
        `There are ${found.length.toLocaleString("en")} lines`,
        `Sort at most ${MOST.toLocaleString("en")} at a time`,
      );
    return sorted(found, await surprises(found));
  });

  async function surprises(found: readonly string[]): Promise<number[]> {
    const by: number[] = [];
    for await (const score of model.scoreAll(found, { samples: SAMPLES, signal }))
      by.push(score.error === null ? score.surprise : Number.POSITIVE_INFINITY);
    return by;
  }
}

function sorted(found: readonly string[], by: readonly number[]): HTMLElement {
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
      `${found.length} lines; the ${Math.min(SHOWN, found.length)} strangest are shown. Lines with symbols that the model never saw come first.`,
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
            h("small", {}, Number.isFinite(by[i]) ? by[i].toFixed(2) : "unreadable"),
          ),
        ),
    ),
  );
}
