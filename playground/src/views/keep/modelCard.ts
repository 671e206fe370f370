/** @module A model that is kept: what it is, and what can be done with it. */
import { h, uniqueId } from "../../dom.ts";
import { openModel } from "../../engine/opening.ts";
import { download } from "../../parts/download.ts";
import { bytesOf, type Kept, remove, rename } from "../../storage/models.ts";

export function cardOf(
  { id, card, size, saved }: Kept,
  attempt: (work: () => Promise<unknown>) => Promise<void>,
  changed: () => Promise<void>,
): HTMLElement {
  const field = uniqueId("name");
  const name = h("input", {
    type: "text",
    id: field,
    value: card.name,
    maxlength: 80,
    on: { change: () => void attempt(() => rename(id, name.value.trim() || card.name)) },
  });
  let asked = false;
  const deleting = async () => {
    if (asked) {
      await remove(id);
      return changed();
    }
    asked = true;
    erase.textContent = "Delete it for good?";
  };
  const erase = h(
    "button",
    { type: "button", class: "quiet", on: { click: () => void attempt(deleting) } },
    "Delete",
  );
  const using = async () => openModel(await bytesOf(id), { ...card, name: name.value }, id);
  const saving = async () => download(await bytesOf(id), name.value);
  const bits =
    card.heldOutBits === null ? "" : ` · ${card.heldOutBits.toFixed(2)} bits on text it did not read`;
  return h(
    "article",
    { class: "model" },
    h("label", { for: field }, "Name"),
    name,
    h(
      "p",
      { class: "hint" },
      `Of ${card.text} · ${card.tokenizer}s${bits} · ${Math.round(size / 1000)} kB · ${new Date(saved).toLocaleDateString("en", { dateStyle: "medium" })}`,
    ),
    card.hash ? h("p", { class: "hint" }, "Hash ", h("code", {}, card.hash.slice(0, 16))) : null,
    h(
      "p",
      { class: "row" },
      h("button", { type: "button", on: { click: () => void attempt(using) } }, "Use"),
      h("button", { type: "button", class: "quiet", on: { click: () => void attempt(saving) } }, "Download"),
      erase,
    ),
  );
}
