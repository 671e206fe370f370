/** @module A form that scores: fields, one button, and a place for what came of it or for what went wrong. */
import { h, replace } from "../../dom.ts";
import { isAbort, noticeOf } from "../../parts/notice.ts";

/** @param run makes what is shown; throws what is told in its place */
export function scoringForm(fields: readonly HTMLElement[], run: () => Promise<HTMLElement>): HTMLElement {
  const result = h("div", { class: "result" });
  const button = h(
    "button",
    { type: "button", class: "main", id: "score", on: { click: () => void score() } },
    "Score",
  );
  return h(
    "div",
    {},
    h("section", { class: "card", "aria-label": "Text" }, fields, h("div", { class: "row actions" }, button)),
    result,
  );

  async function score(): Promise<void> {
    button.disabled = true;
    try {
      replace(result, await run());
    } catch (error) {
      if (!isAbort(error)) replace(result, noticeOf(error));
    } finally {
      button.disabled = false;
    }
  }
}

export const card = (label: string, ...children: Parameters<typeof h>[2][]): HTMLElement =>
  h("section", { class: "card", "aria-label": label }, ...children);
