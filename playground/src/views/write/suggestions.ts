/** @module A bar of words that complete what is being typed. */
import { learner, SviError, type WorkerLanguageModel, type WorkerSession } from "svi-lm/worker";
import { h, replace } from "../../dom.ts";
import { isLost } from "../../engine/engines.ts";

/** Characters before the cursor that are read, up to twice as many: more say little about the next word. */
const MEMORY = 400;
const COUNT = 3;
/** Tokens of a step that it learns by: about a word. */
const SEQUENCE = 8;

interface Suggesting {
  readonly model: WorkerLanguageModel;
  readonly field: HTMLTextAreaElement;
  readonly signal: AbortSignal;
  /** Hears that the model's worker is lost. */
  readonly lost: (error: unknown) => void;
}

export function suggestions({ model, field, signal, lost }: Suggesting): HTMLElement {
  const bar = h("div", {
    class: "suggestions",
    role: "group",
    "aria-label": "Words that complete what is typed",
  });
  const reader = new Follower(model);
  let busy = false;
  let again = false;
  let accepted = false;
  let learnt = 0;
  const told = h("span", { class: "hint", role: "status" });
  const look = async () => {
    again = busy;
    if (busy) return;
    busy = true;
    const text = beforeCursor(field);
    if (accepted) {
      accepted = false;
      learnt += (await reader.learn(text).catch(() => null)) ?? 0;
      if (learnt > 0) told.textContent = `It has learnt from ${learnt} tokens of what you accepted.`;
    }
    const words = await reader.complete(text).catch((error) => {
      if (isLost(error) && !signal.aborted) lost(error);
      return [];
    });
    busy = false;
    if (signal.aborted) return;
    replace(
      bar,
      words.length > 0
        ? words.map((word, i) => suggestion(word, i))
        : h("span", { class: "hint" }, "Suggestions come as you type."),
      told,
    );
    if (again) void look();
  };
  const accept = ({ text, typed }: Suggested) => {
    const at = field.selectionEnd;
    field.setRangeText(`${text.slice(typed.length)} `, at, at, "end");
    field.focus();
    accepted = true;
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

/** A beginning that stays the same for as long as the text grows by `MEMORY`: a session need not begin again. */
function beforeCursor({ value, selectionEnd }: HTMLTextAreaElement): string {
  const first = Math.max(0, Math.floor(selectionEnd / MEMORY) - 1) * MEMORY;
  return value.slice(first, selectionEnd);
}

interface Suggested {
  readonly text: string;
  readonly typed: string;
  readonly probability: number;
}

/**
 * A session that follows a field: it reads what was added, begins again where something was changed, and learns from
 * words that were accepted. What it learnt stays with it; the model itself does not change.
 */
class Follower {
  readonly #model: WorkerLanguageModel;
  #session: WorkerSession | null = null;
  #read = "";
  #learnt: Uint8Array | undefined;
  /** Whether the model can learn further: one without a posterior cannot. */
  #learns = true;

  constructor(model: WorkerLanguageModel) {
    this.#model = model;
  }

  async complete(text: string): Promise<Suggested[]> {
    const session = await this.#follow(text);
    try {
      const [typed, found] = [await session.word(), await session.complete({ count: COUNT })];
      return found.map((one) => ({ ...one, typed }));
    } catch (error) {
      if (error instanceof SviError && error.code === "E_PREFIX") return [];
      throw error;
    }
  }

  /** Takes a step towards the text that was read. @returns tokens learnt from, or null for a model that cannot */
  async learn(text: string): Promise<number | null> {
    const session = await this.#follow(text);
    if (!this.#learns) return null;
    const { tokens } = await session.learn();
    this.#learnt = await session.learntBytes();
    return tokens;
  }

  async #follow(text: string): Promise<WorkerSession> {
    if (!this.#session || !text.startsWith(this.#read)) {
      await this.end();
      this.#session = await this.#open();
    }
    const added = text.slice(this.#read.length);
    if (added !== "") await this.#session.read(added);
    this.#read = text;
    return this.#session;
  }

  async #open(): Promise<WorkerSession> {
    if (!this.#learns) return this.#model.session();
    try {
      return await this.#model.session({ learner: learner({ sequence: SEQUENCE, from: this.#learnt }) });
    } catch (error) {
      if (!(error instanceof SviError) || error.code === "E_WORKER") throw error;
      // The model was trained meanwhile: what was learnt of the one before does not fit. Else it is a point estimate.
      if (this.#learnt) this.#learnt = undefined;
      else this.#learns = false;
      return this.#open();
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
