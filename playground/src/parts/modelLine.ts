/** @module Which model a view works with. */
import { h } from "../dom.ts";
import type { Current } from "../engine/current.ts";
import { whole } from "./figures.ts";

export function modelLine({ card, model }: Current): HTMLElement {
  const { hidden, layers, cell } = model.configuration;
  const shape = `${layers} × ${hidden} ${cell.toUpperCase()} units, ${whole(model.parameters)} weights`;
  return h(
    "p",
    { class: "model-line" },
    h("span", { class: "dot", "aria-hidden": "true" }),
    h("strong", {}, card.name),
    ` · ${card.tokenizer}s · ${shape}`,
  );
}
