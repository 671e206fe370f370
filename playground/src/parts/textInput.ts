/** @module A field for a text that can be typed, pasted, dropped or opened. */
import { h, uniqueId } from "../dom.ts";
import { readTextFile } from "../texts/check.ts";

interface TextInput {
  readonly element: HTMLElement;
  readonly area: HTMLTextAreaElement;
  set(text: string): void;
  /** Reads a file into it, as choosing one does. */
  take(file: File | undefined): Promise<void>;
}

/** Texts longer than this are kept beside the field: a field of megabytes freezes browsers. */
const SHOWN = 20_000;

interface TextInputOptions {
  readonly label: string;
  readonly rows: number;
  readonly placeholder: string;
  readonly refused: (error: unknown) => void;
  /** Hears of every text: by typing, by opening and by dropping. */
  readonly changed: (text: string, name: string | null) => void;
}

export function textInput({ label, rows, placeholder, refused, changed }: TextInputOptions): TextInput {
  const id = uniqueId("text");
  const area = h("textarea", {
    id,
    rows,
    placeholder,
    spellcheck: "false",
    on: { input: () => changed(area.value, null) },
  });
  const shortened = h("p", { class: "hint", hidden: true });
  const set = (text: string) => {
    area.value = text.slice(0, SHOWN);
    shortened.hidden = text.length <= SHOWN;
    area.readOnly = text.length > SHOWN;
    shortened.textContent = `The first ${SHOWN.toLocaleString("en")} of ${text.length.toLocaleString("en")} characters are shown; all of them are used.`;
  };
  const take = async (file: File | undefined) => {
    if (!file) return;
    const given = (text: string) => {
      set(text);
      changed(text, file.name);
    };
    try {
      given(await readTextFile(file, given));
    } catch (error) {
      refused(error);
    }
  };
  const file = h("input", {
    type: "file",
    id: `${id}-file`,
    class: "hidden-input",
    on: {
      change: () => {
        void take(file.files?.[0]);
        // The same file may be chosen again, after it was changed.
        file.value = "";
      },
    },
  });
  const element = h(
    "div",
    { class: "text-input" },
    h("label", { for: id }, label),
    area,
    shortened,
    h(
      "p",
      { class: "row" },
      file,
      h("label", { for: `${id}-file`, class: "button quiet" }, "Open a file"),
      h("span", { class: "hint" }, "or drop one here"),
    ),
  );
  droppable(element, (files) => void take(files[0]));
  return { element, area, set, take };
}

/** Lets files be dropped on an element. */
export function droppable(element: HTMLElement, dropped: (files: readonly File[]) => void): void {
  const over = (on: boolean) => (event: DragEvent) => {
    event.preventDefault();
    element.classList.toggle("over", on);
  };
  element.addEventListener("dragover", over(true));
  element.addEventListener("dragleave", over(false));
  element.addEventListener("drop", (event) => {
    over(false)(event);
    event.stopPropagation();
    if (event.dataTransfer?.files.length) dropped([...event.dataTransfer.files]);
  });
}
