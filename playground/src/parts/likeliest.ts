/** @module What may come next, as bars. */
import type { Next } from "svi-lm/worker";
import { h } from "../dom.ts";
import { visible } from "./figures.ts";

export function likeliest({ tokens }: Next, taken?: number): HTMLElement {
  return h(
    "ol",
    { class: "likeliest", "aria-label": "The likeliest next tokens" },
    tokens.map(({ token, text, probability }) =>
      h(
        "li",
        { class: token === taken ? "taken" : null, style: `--part: ${(probability * 100).toFixed(1)}%` },
        h("code", {}, visible(text) || "∅"),
        h("span", {}, `${(probability * 100).toFixed(1)} %`),
      ),
    ),
  );
}
