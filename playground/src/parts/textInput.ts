/** @module A field for a text that can be typed, pasted, dropped or opened. */
import { h, replace, uniqueId } from "../dom.ts";
import { readTextFile } from "../texts/check.ts";
import { noticeOf } from "./notice.ts";

interface TextInput {
  readonly element: HTMLElement;
  readonly area: HTMLTextAreaElement;
  set(text: string): void;
  /** Reads a file into it, as choosing one does. */
  take(file: File | undefined): Promise<void>;
  /** Tells below the field what went wrong with a text that was to stand in it. */
  refuse(error: unknown): void;
}

/** Texts longer than this are kept beside the field: a field of megabytes freezes browsers. */
const SHOWN = 20_000;

interface TextInputOptions {
  readonly label: string;
  readonly rows: number;
  readonly placeholder: string;
  /** Whether its lines are those of a machine. */
  readonly code?: true;
  /** Hears of every text: by typing, by opening and by dropping. */
  readonly changed: (text: string, name: string | null) => void;
}

export function textInput({ label, rows, placeholder, code, changed }: TextInputOptions): TextInput {
  const id = uniqueId("text");
  const area = h("textarea", {
    id,
    rows,
    placeholder,
    class: code && "code",
    spellcheck: "false",
    on: { input: () => given(area.value, null), paste },
  });
  const shortened = h("p", { class: "hint", hidden: true });
  const trouble = h("div", {});
  const empty = h(
    "button",
    { type: "button", class: "quiet", hidden: true, on: { click: emptied } },
    "Empty the field",
  );
  const file = h("input", { type: "file", id: `${id}-file`, class: "hidden-input", on: { change: chosen } });
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
      h("span", { class: "hint wide-only" }, "or drop one here"),
      empty,
    ),
    trouble,
  );
  const refuse = (error: unknown) => replace(trouble, noticeOf(error));
  droppable(element, (files) => void take(files[0]));
  return { element, area, set, take, refuse };

  function set(text: string): void {
    area.value = text.slice(0, SHOWN);
    shown(text);
  }

  /** What stands around the field follows from its text. */
  function shown(text: string): void {
    const long = area.value.length < text.length;
    shortened.hidden = !long;
    area.readOnly = long;
    shortened.textContent = `The first ${SHOWN.toLocaleString("en")} of ${text.length.toLocaleString("en")} characters are shown; all of them are used.`;
    empty.hidden = text === "";
    replace(trouble);
  }

  function given(text: string, name: string | null): void {
    shown(text);
    changed(text, name);
  }

  async function take(opened: File | undefined): Promise<void> {
    if (!opened) return;
    const put = (text: string) => {
      set(text);
      changed(text, opened.name);
    };
    try {
      put(await readTextFile(opened, put));
    } catch (error) {
      refuse(error);
    }
  }

  function chosen(): void {
    void take(file.files?.[0]);
    // The same file may be chosen again, after it was changed.
    file.value = "";
  }

  function emptied(): void {
    set("");
    changed("", null);
    area.focus();
  }

  function paste(event: ClipboardEvent): void {
    const pasted = event.clipboardData?.getData("text/plain") ?? "";
    if (pasted.length <= SHOWN || area.readOnly) return;
    event.preventDefault();
    const { value, selectionStart, selectionEnd } = area;
    const text = value.slice(0, selectionStart) + pasted + value.slice(selectionEnd);
    set(text);
    changed(text, null);
  }
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
