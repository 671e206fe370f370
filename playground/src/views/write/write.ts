/** @module Write: the model continues what is typed, and shows where it was unsure. */

import { h, replace } from "../../dom.ts";
import { type Current, current } from "../../engine/current.ts";
import { modelLine } from "../../parts/modelLine.ts";
import { noModel } from "../../parts/noModel.ts";
import type { View } from "../../router.ts";
import { desk } from "./desk.ts";

export const view: View = ({ signal }) => {
  const shown = h("div", {});
  let model: Current["model"] | null = null;
  let left = new AbortController();
  signal.addEventListener("abort", () => left.abort());
  current.watch(signal, (now) => {
    if (now && now.model === model) return;
    model = now?.model ?? null;
    left.abort();
    left = new AbortController();
    replace(
      shown,
      now
        ? [modelLine(now), desk(now, left.signal)]
        : noModel("Train one on a sample text: it writes after a few seconds. Or open one that you kept."),
    );
  });
  return h("div", { class: "view write" }, h("h1", {}, "Write with it, and see where it hesitates"), shown);
};
