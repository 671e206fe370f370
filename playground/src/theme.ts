/** @module Light, dark, or as the system says. */

import { h } from "./dom.ts";
import { Signal } from "./signal.ts";
import { recall, remember } from "./storage/preferences.ts";

const THEMES = ["auto", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];
const LABELS: Record<Theme, string> = { auto: "Auto", light: "Light", dark: "Dark" };

/** Changes when colours do: what is drawn on a canvas is drawn again. */
export const colours = new Signal(0);

export function startTheme(button: HTMLButtonElement): void {
  let theme = THEMES.find((one) => one === recall("theme")) ?? "auto";
  const show = () => {
    document.documentElement.dataset.theme = theme;
    button.dataset.theme = theme;
    button.textContent = LABELS[theme];
    button.setAttribute("aria-label", `Colours: ${LABELS[theme]}`);
    colours.value++;
  };
  button.addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    remember("theme", theme);
    show();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  show();
}

/** The colours that custom properties stand for now, as a canvas takes them: asked for together, styles settle once. */
export function coloursOf<T extends string>(names: readonly T[]): Record<T, string> {
  const probe = h(
    "div",
    { hidden: true },
    names.map((name) => h("i", { style: `color: var(${name})` })),
  );
  document.body.append(probe);
  const found = [...probe.children].map((one) => getComputedStyle(one).color);
  probe.remove();
  return Object.fromEntries(names.map((name, i) => [name, found[i]])) as Record<T, string>;
}
