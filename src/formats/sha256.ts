/** @module SHA-256 after FIPS 180-4. Our own: `crypto.subtle` is absent on plain http pages and takes no pieces. */

const BLOCK = 64;

const primes: number[] = /* @__PURE__ */ firstPrimes();
/** Of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2). */
const K: Int32Array = /* @__PURE__ */ fractions(primes, cubeRoot);
/** Of the square roots of the first 8 (5.3.3). */
const INITIAL: Int32Array = /* @__PURE__ */ fractions(primes.slice(0, 8), Math.sqrt);

/** Never read before it is written, so one serves all: `compress` cannot be interrupted. */
const schedule = new Int32Array(64);

/** A running hash: `new Sha256().update(a).update(b).hex()` is that of a and b joined. */
export class Sha256 {
  readonly #state = INITIAL.slice();
  readonly #pending = new Uint8Array(BLOCK);
  #length = 0;

  /** Bytes are hashed or copied before this returns. */
  update(bytes: Uint8Array): this {
    const held = this.#length % BLOCK;
    this.#length += bytes.length;
    let offset = 0;
    if (held > 0) {
      offset = Math.min(BLOCK - held, bytes.length);
      this.#pending.set(bytes.subarray(0, offset), held);
      if (held + offset < BLOCK) return this;
      compress(this.#state, this.#pending, 0, BLOCK);
    }
    const whole = offset + Math.floor((bytes.length - offset) / BLOCK) * BLOCK;
    compress(this.#state, bytes, offset, whole);
    this.#pending.set(bytes.subarray(whole));
    return this;
  }

  /** The 32 bytes of the hash so far; more can be added after. */
  digest(): Uint8Array<ArrayBuffer> {
    const state = this.#state.slice();
    const tail = this.#padded();
    compress(state, tail, 0, tail.length);
    const digest = new Uint8Array(32);
    const view = new DataView(digest.buffer);
    for (let i = 0; i < 8; i++) view.setInt32(4 * i, state[i]);
    return digest;
  }

  /** The hash so far as 64 hexadecimal digits. */
  hex(): string {
    return Array.from(this.digest(), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /** The last one or two blocks: a 1 bit, zeros, and the length in bits (5.1.1). */
  #padded(): Uint8Array {
    const held = this.#length % BLOCK;
    const tail = new Uint8Array(held < BLOCK - 8 ? BLOCK : 2 * BLOCK);
    tail.set(this.#pending.subarray(0, held));
    tail[held] = 0x80;
    new DataView(tail.buffer).setBigUint64(tail.length - 8, BigInt(this.#length) * 8n);
    return tail;
  }
}

/** The hash of some bytes as 64 hexadecimal digits. */
export function sha256(bytes: Uint8Array): string {
  return new Sha256().update(bytes).hex();
}

function firstPrimes(): number[] {
  const found: number[] = [];
  for (let n = 2; found.length < 64; n++) if (found.every((p) => n % p)) found.push(n);
  return found;
}

/** The first 32 bits of the fractional parts of roots: the same on every engine, as all 53 bits of a root are. */
function fractions(of: readonly number[], root: (x: number) => number): Int32Array {
  return Int32Array.from(of, (x) => (root(x) % 1) * 2 ** 32);
}

/** By Newton's steps, of which only the last bit could be off. */
function cubeRoot(x: number): number {
  let root = 7;
  for (let i = 0; i < 20; i++) root -= (root * root * root - x) / (3 * root * root);
  return root;
}

/** Takes the whole blocks from `start` to before `end` into the state (6.2.2). */
function compress(state: Int32Array, bytes: Uint8Array, start: number, end: number): void {
  const w = schedule;
  let [h0, h1, h2, h3, h4, h5, h6, h7] = state;
  for (let at = start; at < end; at += BLOCK) {
    expand(w, bytes, at);
    let a = h0;
    let b = h1;
    let c = h2;
    let d = h3;
    let e = h4;
    let f = h5;
    let g = h6;
    let h = h7;
    // Eight rounds rename the words instead of moving them: half as fast again as one. All 64 are slower.
    for (let t = 0; t < 64; t += 8) {
      h = first(e, f, g, h, K[t] + w[t]);
      d = (d + h) | 0;
      h = (h + second(a, b, c)) | 0;
      g = first(d, e, f, g, K[t + 1] + w[t + 1]);
      c = (c + g) | 0;
      g = (g + second(h, a, b)) | 0;
      f = first(c, d, e, f, K[t + 2] + w[t + 2]);
      b = (b + f) | 0;
      f = (f + second(g, h, a)) | 0;
      e = first(b, c, d, e, K[t + 3] + w[t + 3]);
      a = (a + e) | 0;
      e = (e + second(f, g, h)) | 0;
      d = first(a, b, c, d, K[t + 4] + w[t + 4]);
      h = (h + d) | 0;
      d = (d + second(e, f, g)) | 0;
      c = first(h, a, b, c, K[t + 5] + w[t + 5]);
      g = (g + c) | 0;
      c = (c + second(d, e, f)) | 0;
      b = first(g, h, a, b, K[t + 6] + w[t + 6]);
      f = (f + b) | 0;
      b = (b + second(c, d, e)) | 0;
      a = first(f, g, h, a, K[t + 7] + w[t + 7]);
      e = (e + a) | 0;
      a = (a + second(b, c, d)) | 0;
    }
    h0 = (h0 + a) | 0;
    h1 = (h1 + b) | 0;
    h2 = (h2 + c) | 0;
    h3 = (h3 + d) | 0;
    h4 = (h4 + e) | 0;
    h5 = (h5 + f) | 0;
    h6 = (h6 + g) | 0;
    h7 = (h7 + h) | 0;
  }
  state.set([h0, h1, h2, h3, h4, h5, h6, h7]);
}

/** The 64 words of the block at `at`. */
function expand(w: Int32Array, bytes: Uint8Array, at: number): void {
  for (let t = 0, i = at; t < 16; t++, i += 4)
    w[t] = (bytes[i] << 24) | (bytes[i + 1] << 16) | (bytes[i + 2] << 8) | bytes[i + 3];
  for (let t = 16; t < 64; t++) {
    const x = w[t - 15];
    const y = w[t - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[t] = (w[t - 16] + s0 + w[t - 7] + s1) | 0;
  }
}

/** T1 of a round, with Σ1 and Ch of section 4.1.2: in one function, which engines inline, as they do no chains. */
function first(e: number, f: number, g: number, h: number, word: number): number {
  const sum = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
  return (h + sum + (g ^ (e & (f ^ g))) + word) | 0;
}

/** T2, with Σ0 and Maj. */
function second(a: number, b: number, c: number): number {
  const sum = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
  return (sum + ((a & b) | (c & (a | b)))) | 0;
}
