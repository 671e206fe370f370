/** @module Text whose tokens are shaded, and can be gone through by pointer and by arrow keys. */
import { h } from "../dom.ts";

export interface Shade {
  readonly text: string;
  /** 0 for none, 1 for the strongest; null for text that is not the model's. */
  readonly strength: number | null;
}

interface Shaded {
  readonly element: HTMLElement;
  add(shade: Shade): void;
  /** Shades every token anew. */
  reshade(strength: (index: number) => number | null): void;
  clear(): void;
}

/**
 * @param label what the text is
 * @param kind the custom property of the colour
 * @param looked hears which token is looked at
 */
export function shaded(label: string, kind: string, looked: (index: number) => void): Shaded {
  const spans: HTMLElement[] = [];
  let active = -1;
  const element = h("div", {
    class: "shaded",
    tabindex: 0,
    role: "group",
    "aria-label": `${label}. The left and right arrow keys move from token to token.`,
    style: `--shade: var(${kind})`,
  });
  const look = (index: number) => {
    if (index < 0 || index >= spans.length || index === active) return;
    spans[active]?.classList.remove("active");
    active = index;
    spans[active].classList.add("active");
    looked(index);
  };
  const indexOf = (target: EventTarget | null) => spans.indexOf(target as HTMLElement);
  element.addEventListener("pointerover", ({ target }) => look(indexOf(target)));
  element.addEventListener("click", ({ target }) => look(indexOf(target)));
  element.addEventListener("keydown", (event) => {
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (move === undefined) return;
    event.preventDefault();
    let next = active + move;
    while (spans[next]?.dataset.given !== undefined) next += move;
    look(next);
  });
  const paint = (span: HTMLElement, strength: number | null) => {
    if (strength === null) span.dataset.given = "";
    else span.style.setProperty("--strength", `${Math.round(Math.min(1, Math.max(0, strength)) * 100)}%`);
  };
  return {
    element,
    add({ text, strength }) {
      const span = h("span", {}, text);
      paint(span, strength);
      spans.push(span);
      element.append(span);
    },
    reshade(strength) {
      spans.forEach((span, index) => {
        paint(span, strength(index));
      });
    },
    clear() {
      spans.length = 0;
      active = -1;
      element.replaceChildren();
    },
  };
}
