/** @module Labelled controls. */
import { h, uniqueId } from "../dom.ts";

interface RangeOptions {
  readonly label: string;
  readonly least: number;
  readonly most: number;
  readonly step: number;
  readonly value: number;
  readonly hint?: string;
}

/** A slider that shows its value. */
export function range({ label, least, most, step, value, hint }: RangeOptions): {
  element: HTMLElement;
  value: () => number;
} {
  const id = uniqueId("range");
  const output = h("output", { for: id }, value);
  const input = h("input", {
    type: "range",
    id,
    min: least,
    max: most,
    step,
    value,
    disabled: least === most,
    "aria-describedby": hint ? `${id}-hint` : null,
    on: {
      input: () => {
        output.textContent = input.value;
      },
    },
  });
  const element = h(
    "div",
    { class: "control" },
    h("label", { for: id }, label, " ", output),
    input,
    hint && h("span", { class: "hint", id: `${id}-hint` }, hint),
  );
  return { element, value: () => Number(input.value) };
}

export function number(
  label: string,
  value: number,
  hint: string,
): { element: HTMLElement; value: () => number } {
  const id = uniqueId("number");
  const described = `${id}-hint`;
  const input = h("input", { type: "number", id, value, min: 0, step: 1, "aria-describedby": described });
  return {
    element: h(
      "div",
      { class: "control" },
      h("label", { for: id }, label),
      input,
      h("span", { class: "hint", id: described }, hint),
    ),
    value: () => Math.max(0, Math.floor(Number(input.value) || 0)),
  };
}

/** A choice of few. */
export function choice<T extends string>(
  legend: string,
  options: readonly (readonly [T, string])[],
  changed: (value: T) => void,
): { element: HTMLElement; value: () => T } {
  const name = uniqueId("choice");
  let chosen = options[0][0];
  const chips = options.map(([value, label], i) =>
    h(
      "label",
      { class: "chip" },
      h("input", {
        type: "radio",
        name,
        value,
        checked: i === 0,
        on: {
          change: () => {
            chosen = value;
            changed(value);
          },
        },
      }),
      h("span", {}, label),
    ),
  );
  return { element: h("fieldset", { class: "chips" }, h("legend", {}, legend), chips), value: () => chosen };
}
