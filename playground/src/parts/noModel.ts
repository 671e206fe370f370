/** @module What a view shows before there is a model. */
import { h } from "../dom.ts";

export function noModel(what: string): HTMLElement {
  return h(
    "section",
    { class: "card empty" },
    h("p", { class: "empty-mark", "aria-hidden": "true" }, "∿"),
    h("h2", {}, "There is no model yet"),
    h("p", {}, what),
    h(
      "p",
      { class: "row" },
      h("a", { class: "button main", href: "#/train" }, "Train one"),
      h("a", { class: "button quiet", href: "#/keep" }, "Open one"),
    ),
  );
}
