/** @module Numbers that are the same for the same seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 32 bits. */
  bits(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  below(n: number): number {
    return Math.floor((this.bits() / 2 ** 32) * n);
  }

  /** True once in n times. */
  once(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)];
  }
}

/** A seed for each input of each boundary, so that one alone can be repeated. */
export function seedOf(seed: number, boundary: string, input: number): number {
  let mixed = seed >>> 0;
  for (let i = 0; i < boundary.length; i++) mixed = Math.imul(mixed ^ boundary.charCodeAt(i), 0x01000193);
  return new Random(Math.imul(mixed ^ input, 0x9e3779b1) ^ (input >>> 16)).bits();
}
