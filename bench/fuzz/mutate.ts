/** @module Valid things made invalid: bytes, texts and JSON, changed where readers are most likely to err. */
import type { Random } from "./random.ts";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const NUMBERS = [
  0,
  -1,
  1,
  2,
  0.5,
  -0.5,
  255,
  256,
  65536,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  2 ** 32,
  2 ** 53,
  1e308,
];
const KEYS = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "length",
  "then",
  "",
  "0",
  "hasOwnProperty",
];
const WORDS = [
  ...KEYS,
  "-",
  "--",
  "=",
  "nan",
  "NaN",
  "Infinity",
  "-1",
  "1e999",
  "0x10",
  "9".repeat(30),
  "\0",
  "\n",
  "\r\n",
  "\r",
  "\t",
  " ",
  "\u2028",
  "\ufeff",
  "\ud800",
  "\udc00x",
  "😀",
  "e\u0301",
  "ﬁ",
  "İ",
  "ß",
  "漢字",
  "\u200d",
  "|||",
  '"',
  "\\",
  "\\u0000",
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  "null",
  "(",
  ")+",
  "\\p{L}",
  "(?!",
  "<unk>",
  "</s>",
];

/** A text of odd and of plain pieces. */
export function someText(random: Random, pieces: number): string {
  let text = "";
  for (let i = random.below(pieces + 1); i > 0; i--)
    text += random.once(3)
      ? random.pick(WORDS)
      : String.fromCharCode(32 + random.below(random.once(8) ? 0xffe0 : 95));
  return text;
}

export function mutateText(random: Random, text: string): string {
  let out = text;
  for (let changes = random.below(4); changes >= 0; changes--) {
    const at = random.below(out.length + 1);
    const cut = random.once(2) ? 0 : random.below(random.once(4) ? out.length : 6);
    const middle = [
      () => "",
      () => random.pick(WORDS),
      () => String.fromCharCode(random.below(0x10000)),
      () => out.slice(at, at + random.below(60)),
      () => String(random.pick(NUMBERS)),
    ];
    out = out.slice(0, at) + random.pick(middle)() + out.slice(at + cut);
  }
  return out;
}

export function mutateBytes(random: Random, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const kind = random.below(5);
  if (kind === 0) return bytes.slice(0, random.below(bytes.length));
  const out = bytes.slice() as Uint8Array<ArrayBuffer>;
  if (kind === 1) {
    const from = random.below(out.length);
    out.copyWithin(random.below(out.length), from, from + random.below(64));
    return out;
  }
  // Most of what can be wrong is near the beginning.
  const within = random.once(2) ? out.length : Math.min(out.length, 400);
  for (let flips = random.below(kind === 2 ? 1 : 16); flips >= 0; flips--)
    out[random.below(within)] ^= kind === 4 ? random.below(256) : 1 << random.below(8);
  return out;
}

/** The same with one place changed: another value, a key more, less, or of another name. */
export function mutateJson(random: Random, value: Json): Json {
  const inside = typeof value === "object" && value !== null ? Object.keys(value) : [];
  if (inside.length === 0 || random.once(6))
    return inside.length > 0 && random.once(2) ? reshape(random, value) : odd(random, value);
  const key = random.pick(inside);
  const copy = Array.isArray(value) ? [...value] : { ...(value as object) };
  const changed = mutateJson(random, (value as Record<string, Json>)[key]);
  put(copy, key, changed);
  return copy as Json;
}

function odd(random: Random, value: Json): Json {
  const other: (() => Json)[] = [
    () => null,
    () => random.once(2),
    () => random.pick(NUMBERS),
    () => random.pick(WORDS),
    () => [],
    () => ({}),
    () => [value],
    () => (typeof value === "string" ? mutateText(random, value) : (JSON.stringify(value) ?? "")),
    () => (typeof value === "number" ? value + random.pick([1, -1, 0.5]) : value),
    () => (typeof value === "string" ? value.repeat(random.below(40)) : 1),
  ];
  return random.pick(other)();
}

function reshape(random: Random, value: Json): Json {
  if (Array.isArray(value)) {
    const copy = [...value];
    const at = random.below(copy.length);
    copy.splice(at, random.below(3), ...(random.once(2) ? [copy[random.below(copy.length)]] : []));
    return copy;
  }
  const copy: Record<string, Json> = {};
  const entries = Object.entries(value as Record<string, Json>);
  const at = random.below(entries.length);
  entries.forEach(([key, own], i) => {
    if (i !== at) put(copy, key, own);
    else if (random.once(2)) put(copy, random.pick(WORDS), own);
  });
  if (random.once(3)) put(copy, random.pick(KEYS), entries[at][1]);
  return copy;
}

/** `__proto__` as a key like any other, as JSON.parse has it. */
function put(target: object, key: string, value: Json): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}
