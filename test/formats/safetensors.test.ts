import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hostBytes, littleEndianBytes } from "../../src/formats/endian.ts";
import {
  type Dtype,
  decodeTensor,
  readSafetensors,
  readSafetensorsHeader,
  safetensorsChunks,
  type Tensor,
  toFloat32,
  writeSafetensors,
} from "../../src/formats/safetensors.ts";
import { ARRAYS } from "../../src/formats/tensor.ts";
import { loadOracle } from "../oracle/load.ts";
import { fileOf } from "./hostile.ts";
import { refusal } from "./support.ts";

const f32 = (shape: number[], ...values: number[]): Tensor => ({
  dtype: "F32",
  shape,
  data: Float32Array.from(values),
});
const f64 = (...values: number[]): Tensor => ({
  dtype: "F64",
  shape: [values.length],
  data: Float64Array.from(values),
});
const half = (dtype: "F16" | "BF16", ...bits: number[]): Tensor => ({
  dtype,
  shape: [bits.length],
  data: Uint16Array.from(bits),
});
const sample = () =>
  new Map<string, Tensor>([
    ["b", f32([2, 1], 1.5, -2)],
    ["a", { dtype: "U8", shape: [3], data: Uint8Array.of(1, 2, 255) }],
    ["c", { dtype: "F64", shape: [], data: Float64Array.of(Math.PI) }],
  ]);

const anyTensor = fc
  .record({
    dtype: fc.constantFrom(...(Object.keys(ARRAYS) as Dtype[])),
    shape: fc.array(fc.nat(4), { maxLength: 3 }),
    seed: fc.uint8Array({ minLength: 512, maxLength: 512 }),
  })
  .map(({ dtype, shape, seed }) => {
    const count = shape.reduce((product, d) => product * d, 1);
    return { dtype, shape, data: new ARRAYS[dtype](seed.slice().buffer).slice(0, count) } as Tensor;
  });
const anyText = fc.string({ unit: "grapheme" });
const anyName = fc.oneof(anyText, fc.constantFrom("__proto__", "constructor", "0", "-1", "")); // keys that objects bend

describe("round trips", () => {
  test("any tensors and metadata come back, in order, bit for bit", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(anyName, anyTensor), { selector: ([name]) => name, maxLength: 6 }),
        fc.dictionary(anyText, anyText),
        fc.nat(7),
        (entries, metadata, misalignment) => {
          const bytes = writeSafetensors(new Map(entries), metadata);
          const shifted = new Uint8Array(bytes.length + misalignment).subarray(misalignment);
          shifted.set(bytes);
          const file = readSafetensors(shifted);
          // Empty tensors take no bytes: where they come is only kept by name.
          expect(new Set(file.tensors.keys())).toEqual(new Set(entries.map(([name]) => name)));
          for (const [name, tensor] of entries) {
            const found = file.tensors.get(name) as Tensor;
            expect([found.dtype, found.shape]).toEqual([tensor.dtype, tensor.shape]);
            expect(found.data.constructor).toBe(tensor.data.constructor);
            expect(Buffer.from(littleEndianBytes(found.data))).toEqual(
              Buffer.from(littleEndianBytes(tensor.data)),
            );
          }
          expect(Object.entries(file.metadata)).toEqual(Object.entries(metadata));
          expect(writeSafetensors(file.tensors, file.metadata).length).toBe(bytes.length);
        },
      ),
    );
  });

  test("the layout, byte by byte", () => {
    const bytes = writeSafetensors(new Map([["t", f32([1], 1)]]), { k: "é" });
    const json = '{"__metadata__":{"k":"é"},"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
    const encoded = new TextEncoder().encode(json);
    const length = Math.ceil(encoded.length / 8) * 8;
    expect(Array.from(bytes.subarray(0, 8))).toEqual([length, 0, 0, 0, 0, 0, 0, 0]);
    expect(new TextDecoder().decode(bytes.subarray(8, 8 + length))).toBe(
      json.padEnd(json.length + length - encoded.length),
    );
    expect(Array.from(bytes.subarray(8 + length))).toEqual([0, 0, 128, 63]);
  });

  test("tensors follow one another as given, whatever their names", () => {
    const tensors = new Map([
      ["z", f32([1], 1)],
      ["10", f32([1], 2)],
      ["9", f32([1], 3)],
    ]);
    const file = readSafetensors(writeSafetensors(tensors, {}));
    expect([...file.tensors.keys()]).toEqual(["z", "10", "9"]);
    expect([...file.tensors.values()].map(({ data }) => data[0])).toEqual([1, 2, 3]);
  });

  test("chunks are the file in pieces, and views of the tensors", () => {
    const chunks = safetensorsChunks(sample(), { a: "1" });
    expect(Buffer.concat(chunks)).toEqual(Buffer.from(writeSafetensors(sample(), { a: "1" })));
  });

  test("an empty file", () => {
    const bytes = writeSafetensors(new Map(), {});
    expect(Buffer.from(bytes).toString()).toBe("\b\0\0\0\0\0\0\0{}      ");
    expect(readSafetensors(bytes).tensors.size).toBe(0);
  });

  test("the dumps that Python wrote", () => {
    const oracle = loadOracle("model-tiny");
    const bytes = writeSafetensors(oracleTensors(oracle.tensors), oracle.metadata);
    const file = readSafetensors(bytes);
    expect([...file.tensors.keys()]).toEqual([...oracle.tensors.keys()]);
    for (const [name, { shape, data }] of oracle.tensors)
      expect(file.tensors.get(name)).toMatchObject({ shape, data });
  });

  test("a Buffer, an ArrayBuffer and shared memory", () => {
    const bytes = writeSafetensors(sample(), {});
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    shared.set(bytes);
    for (const source of [Buffer.from(bytes), bytes.buffer, shared])
      expect(readSafetensors(source, { copy: true }).tensors).toEqual(sample());
  });
});

const oracleTensors = (tensors: ReturnType<typeof loadOracle>["tensors"]) =>
  new Map(
    [...tensors].map(([name, { shape, data }]) => {
      const dtype = data instanceof Float64Array ? "F64" : data instanceof Float32Array ? "F32" : "I32";
      return [name, { dtype, shape, data } as Tensor];
    }),
  );

describe("views and copies", () => {
  test("aligned tensors are views unless copies are asked for", () => {
    const bytes = writeSafetensors(sample(), {});
    expect(readSafetensors(bytes).tensors.get("b")?.data.buffer).toBe(bytes.buffer);
    expect(readSafetensors(bytes, { copy: true }).tensors.get("b")?.data.buffer).not.toBe(bytes.buffer);
    expect(readSafetensors(bytes).tensors.get("c")?.data.buffer).not.toBe(bytes.buffer); // after 3 odd bytes
  });
});

describe("hosts of the other byte order", () => {
  test("elements are reversed, both ways", () => {
    const array = Uint32Array.of(0x01020304, 0x05060708);
    const [little, swapped] = [littleEndianBytes(array, true), littleEndianBytes(array, false)];
    expect(Array.from(swapped)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(hostBytes(swapped, 4, false)).toEqual(new Uint8Array(little));
    expect(Array.from(littleEndianBytes(Uint8Array.of(1, 2), false))).toEqual([1, 2]);
  });
});

describe("the header alone", () => {
  const bytes = writeSafetensors(sample(), { version: "1" });

  test.each([
    ["bytes", bytes],
    ["a Blob", new Blob([bytes])],
    ["ranges", { size: bytes.length, read: (a: number, b: number) => bytes.subarray(a, b) }],
    ["ranges of unknown size", { read: async (a: number, b: number) => bytes.subarray(a, b) }],
  ])("from %s; its entries lead to the tensors", async (_, source) => {
    const header = await readSafetensorsHeader(source);
    expect(header.byteLength).toBe(bytes.length);
    expect(header.metadata.version).toBe("1");
    for (const [name, entry] of header.tensors)
      expect(decodeTensor(name, entry, bytes.slice(entry.begin, entry.end))).toEqual(sample().get(name));
  });

  test("reads nothing of the data", async () => {
    const asked: number[] = [];
    const read = (start: number, end: number) => {
      asked.push(end);
      return bytes.subarray(start, end);
    };
    const { dataStart } = await readSafetensorsHeader({ size: bytes.length, read });
    expect(asked).toEqual([8, dataStart]);
  });

  test("ranges that come short", async () => {
    await refusal(() => readSafetensorsHeader({ read: () => bytes.subarray(0, 12) }));
    await refusal(() => readSafetensorsHeader({ size: 3, read: (a, b) => bytes.subarray(a, b) }));
    const [[name, entry]] = (await readSafetensorsHeader(bytes)).tensors;
    expect((await refusal(() => decodeTensor(name, entry, bytes))).message).toContain('"b"');
  });
});

describe("toFloat32", () => {
  test("F16 at its corners", () => {
    const bits = [0, 0x8000, 1, 0x03ff, 0x0400, 0x3c00, 0xc000, 0x3555, 0x7bff];
    const values = [0, -0, 2 ** -24, 1023 * 2 ** -24, 2 ** -14, 1, -2, 0x555 * 2 ** -12, 65504];
    expect(Array.from(toFloat32("w", half("F16", ...bits)))).toEqual(values);
  });

  test("BF16 is the upper half of F32", () => {
    const values = toFloat32("w", half("BF16", 0x3f80, 0xc049, 0x0001, 0x8000));
    expect(Array.from(values)).toEqual([1, -3.140625, 2 ** -133, -0]);
  });

  test("F32 is itself, F64 is rounded", () => {
    const tensor = f32([1], 3);
    expect(toFloat32("w", tensor)).toBe(tensor.data);
    expect(Array.from(toFloat32("w", f64(0.1)))).toEqual([Math.fround(0.1)]);
  });

  test.each<[string, Tensor]>([
    ["integers", { dtype: "I32", shape: [1], data: Int32Array.of(1) }],
    ["an F16 infinity", half("F16", 0x7c00)],
    ["an F16 NaN", half("F16", 0x7e00)],
    ["a BF16 infinity", half("BF16", 0xff80)],
    ["what float32 cannot hold", f64(1e300)],
  ])("%s are refused by name", async (_, tensor) => {
    expect((await refusal(() => toFloat32("posterior/h", tensor))).message).toContain('"posterior/h"');
  });
});

describe("finite", () => {
  test.each<[string, Tensor]>([
    ["NaN in F32", f32([3], 0, 1, Number.NaN)],
    ["infinity in F32", f32([3], 0, 1, Number.NEGATIVE_INFINITY)],
    ["NaN in F64", { dtype: "F64", shape: [3], data: Float64Array.of(0, 1, Number.NaN) }],
    ["infinity in F16", half("F16", 0, 1, 0xfc00)],
    ["NaN in BF16", half("BF16", 0, 0x3f80, 0x7fc0)],
  ])("%s", async (_, tensor) => {
    const bytes = writeSafetensors(new Map([["posterior/h", tensor]]), {});
    expect(readSafetensors(bytes).tensors.size).toBe(1);
    const error = await refusal(() => readSafetensors(bytes, { finite: true }));
    expect(error.value).toBe(2);
    expect(error.message).toContain('"posterior/h"');
  });

  test("integers with the same bits pass", () => {
    const ids: Tensor = { dtype: "I32", shape: [1], data: Int32Array.of(0x7f800000) };
    expect(readSafetensors(writeSafetensors(new Map([["i", ids]]), {}), { finite: true }).tensors.size).toBe(
      1,
    );
  });
});

describe("writing what no reader would take", () => {
  const write = (name: string, tensor: unknown, metadata: unknown = {}) =>
    refusal(
      () => writeSafetensors(new Map([[name, tensor as Tensor]]), metadata as Record<string, string>),
      "E_FORMAT",
    );

  test("names, types, shapes and metadata", async () => {
    expect((await write("__metadata__", f32([1], 1))).message).toContain("reserved");
    expect((await write("w", f32([2, 2], 1, 2, 3))).message).toContain("[2,2]");
    await write("w", f32([-1, -1], 1));
    await write("w", f32([0.5, 2], 1));
    await write("w", { dtype: "F64", shape: [1], data: Float32Array.of(1) });
    await write("w", { dtype: "constructor", shape: [1], data: Float32Array.of(1) });
    await write("\ud800", f32([1], 1));
    expect((await write("w", f32([1], 1), { epochs: 5 })).message).toContain("epochs");
    await write("w", f32([1], 1), { text: "\udc00" });
  });
});

const entry = (fields: string) => `{"w":{${fields}}}`;
const good = '"dtype":"F32","shape":[2],"data_offsets":[0,8]';

// [what, header, bytes of data, what the message must name]
test.each<[string, string, number, string]>([
  ["no object", "[]", 0, "not with {"],
  ["a byte order mark", "\ufeff{}", 0, "not with {"],
  ["a space first", " {}", 0, "not with {"],
  ["nothing", "", 0, "not with {"],
  ["an open end", `{"w":{${good}}`, 8, "its end"],
  ["an open string", '{"w', 0, "within a string"],
  ["a string of escapes without an end", `{"${'\\"'.repeat(1000)}`, 0, "within a string"],
  ["text after the end", `{"w":{${good}}} x`, 8, "x"],
  ["a comma too many", `{"w":{${good}},}`, 8, "a key of the header"],
  ["a bad escape", '{"\\x":{}}', 0, "not a JSON string"],
  ["a raw control character", '{"a\nb":{}}', 0, "not a JSON string"],
  ["half a surrogate pair", '{"\\ud800":{}}', 0, "surrogate"],
  ["the same tensor twice", `{"w":{${good}},"w":{${good}}}`, 8, '"w" twice'],
  ["the same tensor twice, escaped", `{"w":{${good}},"\\u0077":{${good}}}`, 8, '"w" twice'],
  ["two metadata", '{"__metadata__":{},"__metadata__":{}}', 0, "twice"],
  ["the same metadata key twice", '{"__metadata__":{"a":"1","a":"2"}}', 0, '"a" twice'],
  ["the same field twice", entry(`${good},"dtype":"F32"`), 8, '"dtype" twice'],
  ["metadata of numbers", '{"__metadata__":{"epochs":5}}', 0, '"epochs"'],
  ["metadata of objects", '{"__metadata__":{"a":{}}}', 0, '"a"'],
  ["metadata that is a list", '{"__metadata__":["a"]}', 0, "__metadata__"],
  ["metadata that is null", '{"__metadata__":null}', 0, "__metadata__"],
  ["a tensor that is null", '{"w":null}', 0, '"w"'],
  ["a tensor without dtype", entry('"shape":[2],"data_offsets":[0,8]'), 8, '"w" lacks'],
  ["a tensor without shape", entry('"dtype":"F32","data_offsets":[0,8]'), 8, '"w" lacks'],
  ["a tensor without offsets", entry('"dtype":"F32","shape":[2]'), 8, '"w" lacks'],
  ["one offset", entry('"dtype":"F32","shape":[2],"data_offsets":[0]'), 8, '"w" lacks'],
  ["three offsets", entry('"dtype":"F32","shape":[2],"data_offsets":[0,8,8]'), 8, "more than 2"],
  ["an unknown field", entry(`${good},"stride":[1]`), 8, '"stride"'],
  ["an unknown dtype", entry('"dtype":"F12","shape":[2],"data_offsets":[0,8]'), 8, '"F12"'],
  [
    "a dtype that every object has",
    entry('"dtype":"toString","shape":[2],"data_offsets":[0,8]'),
    8,
    '"toString"',
  ],
  ["a dtype that is a number", entry('"dtype":32,"shape":[2],"data_offsets":[0,8]'), 8, "dtype"],
  ["a negative dimension", entry('"dtype":"F32","shape":[-2],"data_offsets":[0,8]'), 8, '"-2"'],
  ["minus nought", entry('"dtype":"F32","shape":[-0],"data_offsets":[0,0]'), 0, '"-0"'],
  ["half a dimension", entry('"dtype":"F32","shape":[2.5],"data_offsets":[0,8]'), 8, '"2.5"'],
  ["a dimension with an exponent", entry('"dtype":"F32","shape":[2e0],"data_offsets":[0,8]'), 8, '"2e0"'],
  ["a dimension with a leading nought", entry('"dtype":"F32","shape":[02],"data_offsets":[0,8]'), 8, '"02"'],
  ["a dimension that is a string", entry('"dtype":"F32","shape":["2"],"data_offsets":[0,8]'), 8, "shape"],
  [
    "a dimension past 2^53",
    entry('"dtype":"F32","shape":[9007199254740993],"data_offsets":[0,8]'),
    8,
    "9007199254740993",
  ],
  [
    "a shape that overflows",
    entry('"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]'),
    8,
    "overflows",
  ],
  [
    "bytes that overflow",
    entry('"dtype":"F64","shape":[9007199254740991],"data_offsets":[0,8]'),
    8,
    "overflows",
  ],
  ["a nested shape", entry('"dtype":"F32","shape":[[2]],"data_offsets":[0,8]'), 8, "shape"],
  [
    "a shape of many dimensions",
    entry(`"dtype":"F32","shape":[${"1,".repeat(64)}1],"data_offsets":[0,4]`),
    4,
    "more than 64",
  ],
  ["begin after end", entry('"dtype":"F32","shape":[2],"data_offsets":[8,0]'), 8, "after its end"],
  ["offsets of another size", entry('"dtype":"F32","shape":[2],"data_offsets":[0,4]'), 4, "takes 8"],
  ["an end past the file", entry(good), 4, "the file has 4"],
  [
    "an end far past the file",
    entry('"dtype":"U8","shape":[9007199254740991],"data_offsets":[0,9007199254740991]'),
    4,
    "the file has 4",
  ],
  ["a gap at the start", entry('"dtype":"U8","shape":[1],"data_offsets":[1,2]'), 2, "gap"],
  ["bytes left over", entry(good), 9, "1 bytes after"],
  [
    "a gap",
    '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}',
    3,
    '"b"',
  ],
  [
    "an overlap",
    '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}',
    3,
    "within",
  ],
  ["a deep nest", `{"w":${"[".repeat(200_000)}`, 0, '"w"'],
])("a hostile header: %s", async (_, header, data, named) => {
  const error = await refusal(() => readSafetensors(fileOf(header, data)));
  expect(error.message).toContain(named);
  expect(error.message.length).toBeLessThan(600);
});

describe("hostile lengths and bytes", () => {
  test.each([0, 1, 7])("a file of %i bytes", (length) =>
    refusal(() => readSafetensors(new Uint8Array(length))).then(() => undefined),
  );

  test("a header length past the file, past 100 MB, past 2^53", async () => {
    for (const length of [3n, 100_000_001n, 2n ** 53n + 1n, 2n ** 64n - 1n]) {
      const bytes = fileOf("{}");
      new DataView(bytes.buffer).setBigUint64(0, length, true);
      await refusal(() => readSafetensors(bytes));
      if (length > 3n) await refusal(() => readSafetensorsHeader({ read: () => bytes }));
    }
  });

  test("no UTF-8", async () => {
    const error = await refusal(() => readSafetensors(fileOf(Uint8Array.of(0x7b, 0xff, 0x7d))));
    expect(error.message).toContain("UTF-8");
  });

  test("keys that objects have of their own are only keys", () => {
    const header =
      '{"__metadata__":{"__proto__":"x"},"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}';
    const file = readSafetensors(fileOf(header, 1));
    expect([...file.tensors.keys()]).toEqual(["__proto__"]);
    expect(Object.entries(file.metadata)).toEqual([["__proto__", "x"]]);
    expect(file.metadata.toString).toBeUndefined();
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  test("what the format allows: any order, white space, empty tensors anywhere, escapes", () => {
    const header =
      '{\n "b":{"data_offsets":[1,3],"shape":[2],"dtype":"U8"} ,\t"e":{"dtype":"F32","shape":[0,5],"data_offsets":[1,1]},' +
      '"\\u00e9":{"dtype":"BOOL","shape":[ 1 ],"data_offsets":[0,1]} } \r\n  ';
    expect([...readSafetensors(fileOf(header, 3)).tensors.keys()]).toEqual(["é", "e", "b"]);
  });
});
