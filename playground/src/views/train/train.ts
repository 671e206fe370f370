/** @module Train: a text, one button, and what comes of it. */
import { bring, h, replace } from "../../dom.ts";
import { noticeOf } from "../../parts/notice.ts";
import type { View } from "../../router.ts";
import { begin, type Duel, duel } from "../../training/duel.ts";
import { bell } from "./bell.ts";
import { settingsPanel } from "./settingsPanel.ts";
import { stage } from "./stage.ts";
import { textChoice } from "./textChoice.ts";

export const view: View = ({ signal }) => {
  const settings = settingsPanel();
  const choice = textChoice();
  const trouble = h("div", {});
  const shown = h("div", {});
  const start = h(
    "button",
    { type: "button", class: "main", id: "train", on: { click: () => void train() } },
    "Train",
  );
  let seen: Duel | null = null;
  let left = new AbortController();
  signal.addEventListener("abort", () => left.abort());
  duel.watch(signal, (run) => {
    start.textContent = run?.active ? "Train again" : "Train";
    if (run === seen) return;
    seen = run;
    left.abort();
    left = new AbortController();
    replace(shown, run && stage(run, left.signal));
  });
  return h(
    "div",
    { class: "view train" },
    h(
      "section",
      { class: "hero" },
      h(
        "div",
        {},
        h("h1", {}, "A language model that knows what it does not know"),
        h(
          "p",
          { class: "lead" },
          "Train one here, in this page. It keeps not one set of weights but a distribution over them, so it learns from little text without learning it by heart, and can say where it is unsure.",
        ),
      ),
      bell(),
    ),
    h(
      "section",
      { class: "card", "aria-label": "What to learn" },
      choice.element,
      h("div", { class: "row actions" }, start, settings.button),
      settings.panel,
      trouble,
    ),
    shown,
  );

  async function train(): Promise<void> {
    replace(trouble);
    start.disabled = true;
    try {
      begin(await choice.task(), settings.read());
      bring(shown, "start");
    } catch (error) {
      replace(trouble, noticeOf(error));
    } finally {
      start.disabled = false;
    }
  }
};
