/**
 * @module Text that is typed piece by piece, as tokens: those of all that was typed so far. Where tokens span what is
 * typed one after the other, the last ones are taken back.
 */
import type { Tokenizer } from "../text/types.ts";

/** What brings a state up to date: a state to go back to, tokens to read, and what to remember the result as. */
export interface Reading {
  /** The state before the word that is being typed, or that at the line's beginning; null to continue from the last. */
  readonly back: "word" | "line" | null;
  readonly ids: Int32Array;
  readonly mark: "word" | "line" | null;
}

/** What `TypedText` must remember, for a file. */
export interface TypedState {
  readonly line: string;
  readonly word: string;
  readonly ids: readonly number[];
  readonly marked: number;
  readonly held: string;
}

const EMPTY: TypedState = { line: "", word: "", ids: [], marked: 0, held: "" };

export class TypedText {
  readonly #tokenizer: Tokenizer;
  #state: TypedState;

  constructor(tokenizer: Tokenizer, state: TypedState = EMPTY) {
    this.#tokenizer = tokenizer;
    this.#state = state;
  }

  get state(): TypedState {
    return this.#state;
  }

  /** What was typed since the last space. */
  get word(): string {
    return this.#state.word.trimStart();
  }

  /** The same with the space before it, where tokens hold that too: what follows the state before the word. */
  get tail(): string {
    return this.#state.word;
  }

  /** Whether a state at the line's beginning is needed beside that before the word. */
  static needsLines(tokenizer: Tokenizer): boolean {
    return tokenizer.kind === "json";
  }

  /**
   * Takes more text; nothing has changed where it throws.
   * @throws SviError `E_UNKNOWN_SYMBOL`
   */
  add(more: string): Reading[] {
    const all = this.#state.held + more;
    // Half of a surrogate pair waits for the other one.
    const whole = /[\ud800-\udbff]$/.test(all) ? all.slice(0, -1) : all;
    const held = all.slice(whole.length);
    const { kind } = this.#tokenizer;
    const [readings, state] =
      kind === "byte" || kind === "character" ? this.#addSymbols(whole) : this.#addLines(whole);
    this.#state = { ...state, held };
    return readings;
  }

  /** Every symbol is a token, whatever comes next. */
  #addSymbols(text: string): [Reading[], TypedState] {
    const cut = /\S*$/.exec(text)!.index;
    const readings: Reading[] = [];
    if (cut > 0) readings.push({ back: null, ids: this.#tokenizer.encode(text.slice(0, cut)), mark: "word" });
    if (cut < text.length)
      readings.push({ back: null, ids: this.#tokenizer.encode(text.slice(cut)), mark: null });
    const word = cut > 0 ? text.slice(cut) : this.#state.word + text;
    return [readings, { ...EMPTY, word }];
  }

  /** Tokens are those of a whole line, or of a word: what is after its end does not change them. */
  #addLines(text: string): [Reading[], TypedState] {
    const readings: Reading[] = [];
    let state: TypedState = { ...this.#state, line: this.#state.line + text };
    const end =
      this.#tokenizer.kind === "word" ? /\S*$/.exec(state.line)!.index : state.line.lastIndexOf("\n") + 1;
    if (end > 0) {
      const done = this.#follow(state, state.line.slice(0, end), readings);
      readings.push({ back: null, ids: new Int32Array(), mark: "line" });
      state = { ...EMPTY, line: state.line.slice(end), held: done.held };
    }
    return [readings, this.#follow(state, state.line, readings)];
  }

  /** Adds what makes the tokens read those of `line`. */
  #follow(state: TypedState, line: string, readings: Reading[]): TypedState {
    const { kind } = this.#tokenizer;
    const ids = this.#tokenizer.encode(line);
    const cut = kind === "word" ? 0 : /\s*\S*$/.exec(line)!.index;
    const marked = cut === 0 ? 0 : alike(ids, this.#tokenizer.encode(line.slice(0, cut)));
    const read = alike(ids, state.ids);
    let from = state.ids.length;
    let back: Reading["back"] = null;
    if (read < from || (marked < from && marked !== state.marked)) {
      const toWord = read >= state.marked && state.marked <= marked;
      back = toWord ? "word" : "line";
      from = toWord ? state.marked : 0;
    }
    if (marked >= from && (marked !== state.marked || back === "line")) {
      readings.push({ back, ids: ids.slice(from, marked), mark: "word" });
      readings.push({ back: null, ids: ids.slice(marked), mark: null });
    } else readings.push({ back, ids: ids.slice(from), mark: null });
    return { line, word: line.slice(cut), ids: [...ids], marked, held: "" };
  }
}

/** How many tokens two texts begin with alike. */
function alike(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const most = Math.min(a.length, b.length);
  let i = 0;
  while (i < most && a[i] === b[i]) i++;
  return i;
}
