/** @module The settings of a run, behind one button, with what each means. */
import { h, uniqueId } from "../../dom.ts";
import { DEFAULTS, NUMBERS, type Settings } from "../../training/settings.ts";

/** What was chosen last, for when the view is opened again. */
let settings = DEFAULTS;

/** The button, the panel that it opens, and what is chosen there. */
export function settingsPanel(): { button: HTMLElement; panel: HTMLElement; read: () => Settings } {
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
  const id = uniqueId("settings");
  const panel = h(
    "div",
    { class: "settings", id, hidden: true, role: "group", "aria-label": "Settings" },
    tokenizerSetting(),
    rivalSetting(),
    numbers,
  );
  const button = h(
    "button",
    {
      type: "button",
      class: "quiet opens",
      id: "settings",
      "aria-expanded": "false",
      "aria-controls": id,
      on: {
        click: () => {
          panel.hidden = !panel.hidden;
          button.setAttribute("aria-expanded", String(!panel.hidden));
        },
      },
    },
    "Settings",
  );
  return { button, panel, read: () => settings };

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
    select.value = settings.tokenizer;
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
      checked: settings.rival,
      "aria-describedby": `${id}-means`,
      on: { change: () => choose({ rival: box.checked }) },
    });
    const means =
      "Trains a second model by Adam, which looks for the single likeliest weights. Without it everything is twice as quick on a phone.";
    return h(
      "div",
      { class: "setting check" },
      h("label", { for: id }, box, "Compare with maximum likelihood"),
      h("p", { class: "hint", id: `${id}-means` }, means),
    );
  }
}
