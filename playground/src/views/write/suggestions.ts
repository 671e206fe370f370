/** @module A bar of words that complete what is being typed. */
import { SviError, type WorkerLanguageModel, type WorkerSession } from "svi-lm/worker";
import { h, replace } from "../../dom.ts";

/** Characters before the cursor that are read: more say little about the next word. */
const MEMORY = 400;
const COUNT = 3;

interface Suggesting {
  readonly model: WorkerLanguageModel;
  readonly field: HTMLTextAreaElement;
  readonly signal: AbortSignal;
}

export function suggestions({ model, field, signal }: Suggesting): HTMLElement {
  const bar = h("div", {
    class: "suggestions",
    role: "group",
    "aria-label": "Words that complete what is typed",
  });
  const reader = new Follower(model);
  let busy = false;
  let again = false;
  const look = async () => {
    again = busy;
    if (busy) return;
    busy = true;
    const text = field.value.slice(0, field.selectionEnd);
    const words = await reader.complete(text.slice(-MEMORY)).catch(() => []);
    busy = false;
    if (signal.aborted) return;
    replace(
      bar,
      words.length > 0
        ? words.map((word, i) => suggestion(word, i))
        : h("span", { class: "hint" }, "Suggestions come as you type."),
    );
    if (again) void look();
  };
  const accept = ({ text, typed }: Suggested) => {
    const at = field.selectionEnd;
    field.setRangeText(`${text.slice(typed.length)} `, at, at, "end");
    field.focus();
    void look();
  };
  const suggestion = (word: Suggested, i: number) =>
    h(
      "button",
      {
        type: "button",
        class: "suggestion",
        "aria-keyshortcuts": `Alt+${i + 1}`,
        on: { click: () => accept(word) },
      },
      h("b", {}, word.typed),
      word.text.slice(word.typed.length),
      h("small", {}, ` ${Math.round(word.probability * 100)} %`),
    );
  field.addEventListener("input", () => void look());
  field.addEventListener("keydown", (event) => {
    const button =
      event.altKey && /^[1-3]$/.test(event.key)
        ? bar.querySelectorAll("button")[Number(event.key) - 1]
        : undefined;
    if (!button) return;
    event.preventDefault();
    button.click();
  });
  signal.addEventListener("abort", () => void reader.end());
  void look();
  return bar;
}

interface Suggested {
  readonly text: string;
  readonly typed: string;
  readonly probability: number;
}

/** A session that follows a field: it reads what was added, and begins again where something was changed. */
class Follower {
  readonly #model: WorkerLanguageModel;
  #session: WorkerSession | null = null;
  #read = "";

  constructor(model: WorkerLanguageModel) {
    this.#model = model;
  }

  async complete(text: string): Promise<Suggested[]> {
    if (!this.#session || !text.startsWith(this.#read)) {
      await this.end();
      this.#session = await this.#model.session();
    }
    const added = text.slice(this.#read.length);
    if (added !== "") await this.#session.read(added);
    this.#read = text;
    try {
      const [typed, found] = [await this.#session.word(), await this.#session.complete({ count: COUNT })];
      return found.map((one) => ({ ...one, typed }));
    } catch (error) {
      if (error instanceof SviError && error.code === "E_PREFIX") return [];
      throw error;
    }
  }

  async end(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    this.#read = "";
    // With its worker a session ends by itself.
    await session?.dispose().catch(() => {});
  }
}
