/** @module Tokens that a session read and has not learnt from, in bounded memory. */
import type { WaitingTokens } from "../prediction/learning.ts";

export class Waiting {
  /** Tokens that wait at most. */
  readonly #most: number;
  /** Tokens of the text before the first that waits. */
  #from: number;
  #ids: number[];
  #dropped = 0;
  /** Whether what comes next does not follow what was learnt last. */
  #apart: boolean;

  /** @param place tokens of the text so far */
  constructor(most: number, { ids, apart }: WaitingTokens, place: number) {
    this.#most = most;
    this.#ids = [...ids];
    this.#from = place - ids.length;
    this.#apart = apart;
  }

  get tokens(): WaitingTokens {
    return { ids: this.#ids, apart: this.#apart };
  }

  get dropped(): number {
    return this.#dropped;
  }

  push(id: number): void {
    this.#ids.push(id);
    // Half at a time: to move all of them for every token would cost more than to read it.
    if (this.#ids.length > this.#most) this.#drop(Math.ceil(this.#most / 2));
  }

  #drop(count: number): void {
    this.#ids.splice(0, count);
    this.#from += count;
    this.#dropped += count;
    this.#apart = true;
  }

  /** Takes back what is behind so many tokens of the text. */
  back(place: number): void {
    if (place >= this.#from) this.#ids.length = Math.min(this.#ids.length, place - this.#from);
    else {
      // What was learnt cannot be taken back, but what comes next does not follow it.
      this.#ids = [];
      this.#from = place;
      this.#apart = true;
    }
  }

  /** The next `count` tokens and the one after them, where so many are before the place `settled`; else null. */
  window(
    count: number,
    settled: number,
  ): { readonly ids: readonly number[]; readonly apart: boolean } | null {
    const ready = Math.min(this.#ids.length, settled - this.#from);
    if (ready <= count) return null;
    return { ids: this.#ids.slice(0, count + 1), apart: this.#apart };
  }

  /** Forgets `count` tokens, which were learnt from. */
  done(count: number): void {
    this.#ids.splice(0, count);
    this.#from += count;
    this.#apart = false;
  }
}
