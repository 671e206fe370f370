/** @module The settings of a run, behind one button, with what each means. */
import { h, uniqueId } from "../../dom.ts";
import { DEFAULTS, NUMBERS, type Settings } from "../../training/settings.ts";

/** The panel, and what is chosen in it. */
export function settingsPanel(): { element: HTMLElement; read: () => Settings } {
  let settings = DEFAULTS;
  const choose = (chosen: Partial<Settings>) => {
    settings = { ...settings, ...chosen };
  };
  const numbers = NUMBERS.map(({ key, label, means, least, most, step }) => {
    const id = uniqueId("setting");
    const input = h("input", {
      type: "number",
      id,
      min: least,
      max: most,
      step,
      value: settings[key],
      "aria-describedby": `${id}-means`,
      on: {
        change: () => {
          const value = Math.min(most, Math.max(least, Number(input.value) || least));
          input.value = String(value);
          choose({ [key]: value });
        },
      },
    });
    return h(
      "div",
      { class: "setting" },
      h("label", { for: id }, label),
      input,
      h("p", { class: "hint", id: `${id}-means` }, means),
    );
  });
  const element = h(
    "details",
    { class: "settings" },
    h("summary", { class: "button quiet" }, "Settings"),
    h("div", { class: "settings-grid" }, tokenizerSetting(), rivalSetting(), numbers),
  );
  return { element, read: () => settings };

  function tokenizerSetting(): HTMLElement {
    const id = uniqueId("setting");
    const select = h(
      "select",
      {
        id,
        "aria-describedby": `${id}-means`,
        on: {
          change: () => choose({ tokenizer: select.value as Settings["tokenizer"] }),
        },
      },
      h("option", { value: "character" }, "Characters"),
      h("option", { value: "word" }, "Words"),
    );
    const means =
      "What the model reads and writes one by one. With words it writes real ones at once, and needs more text to say something with them.";
    return h(
      "div",
      { class: "setting" },
      h("label", { for: id }, "Made of"),
      select,
      h("p", { class: "hint", id: `${id}-means` }, means),
    );
  }

  function rivalSetting(): HTMLElement {
    const id = uniqueId("setting");
    const box = h("input", {
      type: "checkbox",
      id,
      checked: true,
      "aria-describedby": `${id}-means`,
      on: { change: () => choose({ rival: box.checked }) },
    });
    const means =
      "Trains a second model by Adam, which looks for the single likeliest weights. Without it everything is twice as quick on a phone.";
    return h(
      "div",
      { class: "setting check" },
      h("label", { for: id }, box, " Compare with maximum likelihood"),
      h("p", { class: "hint", id: `${id}-means` }, means),
    );
  }
}
