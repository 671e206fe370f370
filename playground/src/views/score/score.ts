/** @module Score: what surprises the model in a text, in two texts, in the lines of a log. */

import { h, replace } from "../../dom.ts";
import { type Current, current } from "../../engine/current.ts";
import { choice } from "../../parts/controls.ts";
import { modelLine } from "../../parts/modelLine.ts";
import { noModel } from "../../parts/noModel.ts";
import type { View } from "../../router.ts";
import { comparison } from "./comparison.ts";
import { lines } from "./lines.ts";
import { single } from "./single.ts";

const KINDS = { one: single, two: comparison, lines } as const;
type Kind = keyof typeof KINDS;

export const view: View = ({ signal }) => {
  const shown = h("div", {});
  const line = h("div", {});
  let now: Current | null = null;
  let left = new AbortController();
  signal.addEventListener("abort", () => left.abort());
  const kind = choice<Kind>(
    "Look at",
    [
      ["one", "One text"],
      ["two", "Two texts"],
      ["lines", "Lines, sorted"],
    ],
    show,
  );
  current.watch(signal, (next) => {
    if (next && next.model === now?.model) return;
    now = next;
    show();
  });
  return h(
    "div",
    { class: "view score" },
    h("h1", {}, "What surprises it, and what it cannot judge"),
    line,
    kind.element,
    shown,
  );

  function show(): void {
    left.abort();
    left = new AbortController();
    kind.element.hidden = now === null;
    replace(line, now && modelLine(now));
    replace(
      shown,
      now
        ? KINDS[kind.value()](now, left.signal)
        : noModel(
            "A model says how likely a text is, word by word: train one first, or open one that you kept.",
          ),
    );
  }
};
