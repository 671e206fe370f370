/** @module Keep: the models of this browser, of files, and of the site. */
import { h, replace } from "../../dom.ts";
import { type Current, current } from "../../engine/current.ts";
import { openModel, openPretrained, type Pretrained, pretrained } from "../../engine/opening.ts";
import { download } from "../../parts/download.ts";
import { whole } from "../../parts/figures.ts";
import { modelLine } from "../../parts/modelLine.ts";
import { modelTrouble } from "../../parts/modelTrouble.ts";
import { droppable } from "../../parts/textInput.ts";
import type { View } from "../../router.ts";
import { keep, listed } from "../../storage/models.ts";
import { cardOf, cardWords, hashLine } from "./modelCard.ts";

export const view: View = async ({ signal }) => {
  const trouble = h("div", { "aria-live": "polite" });
  const now = h("div", {});
  const list = h("div", {});
  const site = h("div", {});
  /** Runs what a button asks for; what goes wrong is told above. */
  const attempt = async (work: () => Promise<unknown>) => {
    replace(trouble);
    try {
      await work();
    } catch (error) {
      replace(trouble, modelTrouble(error));
      trouble.scrollIntoView({ block: "nearest" });
    }
  };
  const show = async () => {
    replace(
      list,
      h("p", { class: "hint" }, "Nothing can be kept here now: download a model to have it again."),
    );
    const models = await listed();
    replace(
      list,
      models.length > 0
        ? h(
            "div",
            { class: "models" },
            models.map((kept) => cardOf(kept, attempt, show)),
          )
        : h("p", { class: "hint" }, "None yet. What you keep is listed here; it stays in this browser."),
    );
  };
  const given = (file: File | undefined) =>
    file && attempt(() => openModel(file, { name: file.name.replace(/\.[^.]+$/, "") }, null));
  const element = h(
    "div",
    { class: "view keep" },
    h("h1", {}, "Keep what you trained"),
    trouble,
    h("section", { class: "card", "aria-label": "In use" }, h("h2", {}, "In use now"), now),
    h("section", { class: "card", "aria-label": "Kept" }, h("h2", {}, "Kept in this browser"), list),
    opening((file) => void given(file)),
    site,
  );
  droppable(element, (files) => void given(files[0]));
  current.watch(signal, (model) => replace(now, inUse(model, attempt, show)));
  await attempt(show);
  void pretrained().then((models) => replace(site, ofSite(models, attempt)));
  return element;
};

type Attempt = (work: () => Promise<unknown>) => Promise<void>;

function inUse(model: Current | null, attempt: Attempt, show: () => Promise<void>): HTMLElement {
  if (!model)
    return h(
      "p",
      { class: "hint" },
      "No model is in use. ",
      h("a", { href: "#/train" }, "Train one"),
      ", or open one below.",
    );
  const bytes = () => model.model.toBytes();
  const keeping = async () => {
    const id = await keep({ ...model.card, hash: await model.model.hash() }, await bytes());
    current.value = { ...model, kept: id };
    await show();
  };
  const saving = async () => download(new Blob([(await bytes()) as BlobPart]), model.card.name);
  return h(
    "div",
    {},
    modelLine(model),
    h("p", { class: "hint" }, cardWords(model.card)),
    h(
      "p",
      { class: "row" },
      model.kept
        ? h("span", { class: "hint" }, "Kept.")
        : h(
            "button",
            { type: "button", class: "main", id: "keep", on: { click: () => void attempt(keeping) } },
            "Keep it",
          ),
      h("button", { type: "button", on: { click: () => void attempt(saving) } }, "Download"),
      h("a", { class: "button quiet", href: "#/write" }, "Write with it"),
    ),
  );
}

function opening(given: (file: File | undefined) => void): HTMLElement {
  const input = h("input", {
    type: "file",
    id: "model-file",
    class: "hidden-input",
    on: {
      change: () => {
        given(input.files?.[0]);
        input.value = "";
      },
    },
  });
  return h(
    "section",
    { class: "card", "aria-label": "Open" },
    h("h2", {}, "Open a file"),
    h(
      "p",
      { class: "hint" },
      "A model that was downloaded here, or saved by svi-lm elsewhere. You can also drop it anywhere on this page.",
    ),
    h("p", { class: "row" }, input, h("label", { for: "model-file", class: "button" }, "Open a model")),
  );
}

function ofSite(models: readonly Pretrained[], attempt: Attempt): HTMLElement | null {
  if (models.length === 0) return null;
  return h(
    "section",
    { class: "card", "aria-label": "Pretrained" },
    h("h2", {}, "Trained already"),
    h(
      "div",
      { class: "models" },
      models.map((model) =>
        h(
          "article",
          { class: "model" },
          h("h3", {}, model.card.name),
          h("p", { class: "hint" }, cardWords(model.card)),
          model.card.hash ? hashLine(model.card.hash) : null,
          h(
            "button",
            { type: "button", on: { click: () => void attempt(() => openPretrained(model)) } },
            `Load ${whole(model.size / 1000)} kB`,
          ),
        ),
      ),
    ),
  );
}
