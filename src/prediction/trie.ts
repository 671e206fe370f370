/**
 * @module Which tokens of which texts are read side by side. Texts that begin alike are one row until they part, and
 * rows that end make room for texts that wait.
 */

/** Texts `from` … `to` − 1, all of which have `token` at `position`. */
export type Visit = (from: number, to: number, position: number, token: number) => void;

/** Texts that begin together at most; where several chunks share a beginning, each reads it again. */
const CHUNK = 64;

interface Row {
  from: number;
  to: number;
  /** Of the token that the row reads. */
  position: number;
}

/** In the order of their tokens; of two that begin alike the shorter one comes first. */
export function compareTokens(a: Int32Array, b: Int32Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}

/** A walk through texts that are sorted by `compareTokens`, a step of tokens at a time. */
export class Trie {
  /** Of the step at hand: what each row reads, and after which row of the step before; −1 begins a text. */
  readonly tokens: Int32Array;
  readonly parents: Int32Array;
  readonly #texts: readonly Int32Array[];
  readonly #capacity: number;
  readonly #sharing: boolean;
  #rows: Row[] = [];
  #next: Row[] = [];
  /** Texts that the next rows stand for: they may all part. */
  #load = 0;
  #begun = 0;

  /**
   * @param capacity most rows of a step
   * @param sharing false gives every text rows of its own
   */
  constructor(texts: readonly Int32Array[], capacity: number, sharing = true) {
    this.#texts = texts;
    this.#capacity = capacity;
    this.#sharing = sharing;
    this.tokens = new Int32Array(capacity);
    this.parents = new Int32Array(capacity);
  }

  /** Rows of the step at hand. */
  get count(): number {
    return this.#rows.length;
  }

  /**
   * Goes to the next step.
   * @param visit gets the first tokens of texts that begin
   * @returns whether there is one
   */
  step(visit?: Visit): boolean {
    while (this.#begun < this.#texts.length) {
      const size = Math.min(CHUNK, this.#capacity, this.#texts.length - this.#begun);
      if (this.#load + size > this.#capacity) break;
      this.#part(this.#begun, this.#begun + size, 0, -1, visit);
      this.#begun += size;
    }
    [this.#rows, this.#next] = [this.#next, this.#rows];
    this.#next.length = 0;
    this.#load = 0;
    return this.#rows.length > 0;
  }

  /**
   * Says what follows a row of the step at hand; rows are to come in their order.
   * @param visit gets every token that does, with the texts that have it
   */
  follow(row: number, visit: Visit): void {
    const { from, to, position } = this.#rows[row];
    this.#part(from, to, position + 1, row, visit);
  }

  /** Parts a range of texts, all longer than `position`, by what they have there. */
  #part(from: number, to: number, position: number, parent: number, visit?: Visit): void {
    for (let at = from; at < to; ) {
      const token = this.#texts[at][position];
      let end = at + 1;
      while (this.#sharing && end < to && this.#texts[end][position] === token) end++;
      visit?.(at, end, position, token);
      // The last token of a text is predicted, not read.
      while (at < end && this.#texts[at].length === position + 1) at++;
      if (at < end) this.#push({ from: at, to: end, position }, token, parent);
      at = end;
    }
  }

  #push(row: Row, token: number, parent: number): void {
    const i = this.#next.push(row) - 1;
    this.tokens[i] = token;
    this.parents[i] = parent;
    this.#load += row.to - row.from;
  }
}
