/** @module A text with another one behind it, again and again: lanes read both side by side. */
import type { TokenCursor, TokenStore } from "./tokens.ts";

/** The tokens `from … to − 1` of a store. */
export interface Part {
  readonly store: TokenStore;
  readonly from: number;
  readonly to: number;
}

/** Parts of texts, one after the other, as one text. */
export class JoinedStore implements TokenStore {
  readonly tokens: number;
  readonly #parts: readonly Part[];

  constructor(parts: readonly Part[]) {
    this.#parts = parts;
    this.tokens = parts.reduce((sum, { from, to }) => sum + to - from, 0);
  }

  cursor(position: number, readers: number): TokenCursor {
    const rest = this.#within(position, this.tokens);
    let cursor: TokenCursor | undefined;
    let left = 0;
    const take = async (into: Int32Array, count: number): Promise<void> => {
      for (let done = 0; done < count; ) {
        if (left === 0) {
          const { store, from, to } = rest.shift()!;
          cursor = store.cursor(from, readers);
          left = to - from;
        }
        const some = Math.min(left, count - done);
        await cursor!.take(into.subarray(done, done + some), some);
        done += some;
        left -= some;
      }
    };
    return { take };
  }

  bytes(from: number, to: number): number {
    return this.#within(from, to).reduce((sum, part) => sum + part.store.bytes(part.from, part.to), 0);
  }

  async hash(from: number, to: number): Promise<string> {
    const parts = this.#within(from, to).map((part) => part.store.hash(part.from, part.to));
    return (await Promise.all(parts)).join("-");
  }

  /** What the tokens `from … to − 1` are of every part. */
  #within(from: number, to: number): Part[] {
    let start = 0;
    return this.#parts.flatMap(({ store, ...part }) => {
      const [first, last] = [Math.max(from - start, 0), Math.min(to - start, part.to - part.from)];
      start += part.to - part.from;
      return last > first ? [{ store, from: part.from + first, to: part.from + last }] : [];
    });
  }
}
