/** @module A form that scores: fields, one button, and a place for what came of it or for what went wrong. */
import { bring, h, replace } from "../../dom.ts";
import { modelTrouble } from "../../parts/modelTrouble.ts";
import { isAbort } from "../../parts/notice.ts";

/** @param run makes what is shown, and may tell how far it is; throws what is told in its place */
export function scoringForm(
  fields: readonly HTMLElement[],
  run: (told: (words: string) => void) => Promise<HTMLElement>,
): HTMLElement {
  const result = h("div", { class: "result" });
  const status = h("span", { class: "hint", role: "status" });
  const button = h(
    "button",
    { type: "button", class: "main", id: "score", on: { click: () => void score() } },
    "Score",
  );
  return h(
    "div",
    {},
    h(
      "section",
      { class: "card", "aria-label": "Text" },
      fields,
      h("div", { class: "row actions" }, button, status),
    ),
    result,
  );

  async function score(): Promise<void> {
    button.disabled = true;
    const told = (words: string) => {
      status.textContent = words;
    };
    told("The model reads it…");
    try {
      replace(result, await run(told));
    } catch (error) {
      if (!isAbort(error)) replace(result, modelTrouble(error));
    } finally {
      told("");
      button.disabled = false;
    }
    bring(result);
  }
}

export const card = (label: string, ...children: Parameters<typeof h>[2][]): HTMLElement =>
  h("section", { class: "card", "aria-label": label }, ...children);
