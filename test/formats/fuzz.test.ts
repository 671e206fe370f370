/** Damaged files either read or throw SviError: nothing else, soon, and without much memory. */
import { expect, test } from "vitest";
import { SviError } from "../../src/errors.ts";
import { readSafetensors, type Tensor, writeSafetensors } from "../../src/formats/safetensors.ts";
import { randomNumbers } from "../support/random.ts";

const valid = writeSafetensors(
  new Map<string, Tensor>([
    [
      "embedding.weight",
      { dtype: "F32", shape: [4, 3], data: Float32Array.from({ length: 12 }, (_, i) => i) },
    ],
    ["lstm.bias_ih_l0", { dtype: "F16", shape: [3], data: Uint16Array.of(1, 2, 3) }],
    ['posterior/é"\\', { dtype: "I64", shape: [], data: BigInt64Array.of(-1n) }],
    ["empty", { dtype: "U8", shape: [0, 9], data: new Uint8Array(0) }],
  ]),
  { format: "1", tokenizer: '{"kind":"byte"}' },
);
const headerEnd = 8 + Number(new DataView(valid.buffer).getBigUint64(0, true));

/** True where the file was read. Tensors can hold no more than the file did. */
function survives(bytes: Uint8Array): boolean {
  try {
    let held = 0;
    for (const { data } of readSafetensors(bytes, { finite: true }).tensors.values()) held += data.byteLength;
    expect(held).toBeLessThanOrEqual(bytes.length);
    return true;
  } catch (error) {
    if (!(error instanceof SviError)) throw error;
    expect(error.code).toBe("E_FORMAT");
    return false;
  }
}

test("every truncation is refused", () => {
  for (let length = 0; length < valid.length; length++) expect(survives(valid.slice(0, length))).toBe(false);
  expect(survives(valid)).toBe(true);
});

test("every single bit flipped", () => {
  for (let bit = 0; bit < valid.length * 8; bit++) {
    const bytes = valid.slice();
    bytes[bit >> 3] ^= 1 << (bit & 7);
    survives(bytes);
  }
});

test("many bytes changed, moved, doubled or dropped, in the header above all", () => {
  const random = randomNumbers(7);
  const below = (n: number) => Math.floor(random() * n);
  const pieces = [
    '"',
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "0",
    "9".repeat(20),
    "-",
    "\\",
    "\\u0000",
    "null",
    "[[[[",
  ];
  for (let round = 0; round < 20_000; round++) {
    let header = Buffer.from(valid.slice(8, headerEnd)).toString("latin1");
    for (let change = below(4); change >= 0; change--) {
      const at = below(header.length);
      const middle = [
        pieces[below(pieces.length)],
        "",
        header.slice(at, at + below(60)),
        String.fromCharCode(below(256)),
      ];
      header = header.slice(0, at) + middle[below(4)] + header.slice(at + below(3));
    }
    const json = Buffer.from(header, "latin1");
    const bytes = new Uint8Array(8 + json.length + valid.length - headerEnd);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
    bytes.set(json, 8);
    bytes.set(valid.subarray(headerEnd), 8 + json.length);
    survives(bytes);
  }
});

test("noise behind a plausible length", () => {
  const random = randomNumbers(11);
  for (let round = 0; round < 2000; round++) {
    const bytes = Uint8Array.from({ length: 64 }, () => Math.floor(random() * 256));
    new DataView(bytes.buffer).setBigUint64(0, BigInt(Math.floor(random() * 60)), true);
    if (round % 2) bytes[8] = 0x7b;
    survives(bytes);
  }
});

test("large hostile headers end soon", { timeout: 10_000 }, () => {
  const million = 1_000_000;
  const hostile = [
    `{${'"a":{},'.repeat(million)}`,
    `{"${"\\".repeat(4 * million)}`,
    `{"${'\\"'.repeat(2 * million)}`,
    "{".repeat(4 * million),
    `{"w":{"shape":[${"1,".repeat(2 * million)}`,
    `{"w":{"shape":[${"9".repeat(4 * million)}]`,
    " ".repeat(4 * million),
    `{${" ".repeat(4 * million)}`,
    `{"__metadata__":{${'"a":"b",'.repeat(million / 2)}`,
  ];
  for (const header of hostile) {
    const json = Buffer.from(header);
    const bytes = new Uint8Array(8 + json.length);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
    bytes.set(json, 8);
    const start = performance.now();
    expect(survives(bytes)).toBe(false);
    expect(performance.now() - start).toBeLessThan(2000);
  }
});
