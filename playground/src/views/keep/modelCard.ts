/** @module A model that is kept: what it is, and what can be done with it. */
import { h, uniqueId } from "../../dom.ts";
import type { Card } from "../../engine/current.ts";
import { openModel } from "../../engine/opening.ts";
import { download } from "../../parts/download.ts";
import { whole } from "../../parts/figures.ts";
import { bytesOf, type Kept, remove, rename } from "../../storage/models.ts";

/** What is known of a model, in a line. */
export function cardWords({ text, licence, tokenizer, heldOutBits, calibration }: Card): string {
  const parts = [`Of ${text}`, `${tokenizer}s`];
  if (licence) parts.splice(1, 0, licence);
  if (heldOutBits !== null) parts.push(`${heldOutBits.toFixed(2)} bits a token on text it did not read`);
  if (calibration !== undefined) parts.push(`calibration error ${calibration.toFixed(3)}`);
  return parts.join(" · ");
}

export function hashLine(hash: string): HTMLElement {
  return h("p", { class: "hint" }, "Hash ", h("code", { title: hash }, hash.slice(0, 16)));
}

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
  return h(
    "article",
    { class: "model" },
    h("label", { for: field }, "Name"),
    name,
    h(
      "p",
      { class: "hint" },
      `${cardWords(card)} · ${whole(size / 1000)} kB · ${new Date(saved).toLocaleDateString("en", { dateStyle: "medium" })}`,
    ),
    card.hash ? hashLine(card.hash) : null,
    h(
      "p",
      { class: "row" },
      h("button", { type: "button", on: { click: () => void attempt(using) } }, "Use"),
      h("button", { type: "button", class: "quiet", on: { click: () => void attempt(saving) } }, "Download"),
      erase,
    ),
  );
}
