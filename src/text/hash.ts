/** @module A fingerprint of token ids: two 32-bit hashes, one FNV-1a over whole ids, one with rotation. */

/** Tells texts apart by accident, not by malice: it is not a cryptographic hash. */
export class TokenHash {
  /** Both 32-bit states: equal histories have equal states. */
  a = 0x811c9dc5 | 0;
  b = 0x9e3779b9 | 0;

  update(ids: ArrayLike<number>, from = 0, to = ids.length): void {
    let { a, b } = this;
    for (let i = from; i < to; i++) {
      a = Math.imul(a ^ ids[i], 0x01000193);
      b = Math.imul(b ^ ids[i], 0x85ebca6b);
      b = (b << 13) | (b >>> 19);
    }
    this.a = a;
    this.b = b;
  }

  /** 16 hexadecimal digits. */
  hex(): string {
    return hex(mixed(this.a)) + hex(mixed(this.b));
  }
}

/** The final mix of MurmurHash3: every bit of the state reaches every bit of the result. */
function mixed(state: number): number {
  let x = state;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

const hex = (x: number): string => (x >>> 0).toString(16).padStart(8, "0");
