/** Model files: what is saved comes back, PyTorch takes it, and nothing in a file is trusted. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { hashOf } from "../../src/distributed/modelHash.ts";
import { LanguageModel, SviError } from "../../src/entries/index.ts";
import { readSafetensors, writeSafetensors } from "../../src/formats/safetensors.ts";
import { relativeError } from "../model/support.ts";
import { createModel, METHODS, TEXT, tokenizer, train } from "./support.ts";

// Seconds of arithmetic, on machines that may be busy.
vi.setConfig({ testTimeout: 30_000 });

async function trained(method: string, options: object = {}): Promise<LanguageModel> {
  const model = await createModel(options);
  await train(model, { inference: METHODS[method], epochs: 0.3 });
  return model;
}

/** The reader either takes the bytes or throws what is its own. @returns whether it took them */
async function taken(bytes: Uint8Array): Promise<boolean> {
  try {
    const model = await LanguageModel.load(bytes);
    model.hash();
    return true;
  } catch (error) {
    if (error instanceof SviError && error.remedy) return false;
    throw error;
  }
}

/** The same file with other metadata. */
function rewrite(bytes: Uint8Array, change: Record<string, string | undefined>): Uint8Array {
  const { tensors, metadata } = readSafetensors(bytes);
  const merged = Object.entries({ ...metadata, ...change }).filter(
    (e): e is [string, string] => e[1] !== undefined,
  );
  return writeSafetensors(new Map(tensors), Object.fromEntries(merged));
}

const KINDS: [method: string, options: object][] = [
  ["adam", {}],
  ["ivon", {}],
  ["bbb", { layers: 3 }],
  ["ivon", { tied: true, embedding: 9, layers: 2 }],
  ["ivon", { tied: true, embedding: 5, hidden: 9 }],
  ["ivon", { softmax: "adaptive", hidden: 18, cutoffs: [6, 15] }],
  ["bbb", { softmax: "adaptive", hidden: 20 }],
];

describe.each(KINDS)("%s %o", (method, options) => {
  test("save, load: the same hash, settings and predictions", async () => {
    const model = await trained(method, options);
    const parts: Uint8Array[] = [];
    const closed: boolean[] = [];
    await model.save(
      new WritableStream({ write: (part) => void parts.push(part), close: () => void closed.push(true) }),
    );
    expect(closed).toEqual([true]);
    const bytes = Buffer.concat(parts);
    for (const source of [bytes, new Blob([bytes]), new Response(bytes), new Blob([bytes]).stream()]) {
      const loaded = await LanguageModel.load(source);
      expect(loaded.hash()).toBe(model.hash());
      expect(loaded.hash()).toMatch(/^[0-9a-f]{64}$/);
      expect(loaded.configuration).toEqual(model.configuration);
      expect(loaded.posterior.lambda).toBe(model.posterior.lambda);
      expect(loaded.tokenizer.describe()).toEqual(tokenizer.describe());
      expect(await loaded.score("the sea")).toEqual(await model.score("the sea"));
      expect(Buffer.compare(loaded.toBytes(), bytes)).toBe(0);
    }
  });
});

test("PyTorch loads the tensors and predicts the same", { timeout: 60_000 }, async ({ skip }) => {
  const folder = mkdtempSync(join(tmpdir(), "svi-lm-"));
  try {
    const ids = tokenizer.encode(TEXT.slice(0, 90));
    const models = await Promise.all(KINDS.map(([method, options]) => trained(method, options)));
    const files = models.map((model, i) => {
      const file = join(folder, `${i}.safetensors`);
      writeFileSync(file, model.toBytes());
      return file;
    });
    const script = new URL("./load_model.py", import.meta.url).pathname;
    const { status, stdout, stderr, error } = spawnSync(
      "/usr/bin/python3",
      [script, JSON.stringify([...ids]), ...files],
      { encoding: "utf8" },
    );
    if (error || status === 77) skip("/usr/bin/python3 with torch is not here");
    expect(stderr).toBe("");
    const answers = JSON.parse(stdout);
    for (const [i, model] of models.entries()) {
      const own = (await model.score(TEXT.slice(0, 90))).tokens.map((t) => t.logProbability);
      expect(relativeError(own, answers[i].logProbability)).toBeLessThan(2e-6);
      const precise = answers[i].names.filter((name: string) => name.startsWith("posterior/precision/"));
      const known = model.posterior.precision !== null;
      expect(precise.length).toBe(known ? model.layout.segments.filter((s) => !s.bias).length : 0);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a file from before there was a choice of softmax has a full one", async () => {
  const model = await trained("ivon");
  const { softmax, cutoffs, ...before } = model.configuration;
  expect([softmax, cutoffs]).toEqual(["full", []]);
  const older = await LanguageModel.load(rewrite(model.toBytes(), { model: JSON.stringify(before) }));
  expect(older.configuration).toEqual(model.configuration);
  expect(older.hash()).toBe(model.hash());
});

test("the hash is that of mean and precision alone", async () => {
  const model = await trained("ivon");
  const hash = model.hash();
  const other = await LanguageModel.load(rewrite(model.toBytes(), { lambda: "3", note: "kept" }));
  expect(other.hash()).toBe(hash);
  for (const change of ["mean", "precision"] as const) {
    const copy = await LanguageModel.load(model.toBytes());
    copy.posterior[change]![3] += 0.25;
    expect(copy.hash()).not.toBe(hash);
  }
});

test("a command line's hash, by the host's own SHA-256, is the model's", async () => {
  const model = await createModel();
  expect(await hashOf(model.posterior)).toBe(model.hash());
  await train(model, { epochs: 0.05 });
  expect(model.posterior.precision).not.toBeNull();
  expect(await hashOf(model.posterior)).toBe(model.hash());
});

test("an abort is heard while a large model is read", async () => {
  const model = await createModel({ hidden: 800 });
  const bytes = model.toBytes();
  expect((await LanguageModel.load(bytes)).hash()).toBe(model.hash());
  const controller = new AbortController();
  setImmediate(() => controller.abort("stopped"));
  await expect(LanguageModel.load(bytes, { signal: controller.signal })).rejects.toBe("stopped");
});

test("embeddings are copies of the rows, by id", async () => {
  const model = await createModel();
  const row = model.embedding(2);
  expect([...row]).toEqual([...model.posterior.mean.subarray(10, 15)]);
  row.fill(0);
  expect([...model.embedding(2)]).not.toEqual([...row]);
  for (const id of [-1, tokenizer.vocabularySize, 0.5])
    expect(() => model.embedding(id)).toThrowError(expect.objectContaining({ code: "E_OPTION" }) as SviError);
});

describe("hostile files", () => {
  test("cut short anywhere", async () => {
    const bytes = (await trained("ivon")).toBytes();
    for (let length = 0; length < bytes.length; length += length < 2500 ? 7 : 401)
      expect(await taken(bytes.subarray(0, length))).toBe(false);
    const longer = new Uint8Array(bytes.length + 1);
    longer.set(bytes);
    expect(await taken(longer)).toBe(false);
  });

  test("flipped bits", async () => {
    const bytes = (await trained("ivon")).toBytes();
    const header = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(header - 1), fc.nat(7)), { minLength: 1, maxLength: 4 }),
        async (flips) => {
          const damaged = bytes.slice();
          for (const [at, bit] of flips) damaged[at] ^= 1 << bit;
          await taken(damaged);
        },
      ),
      { numRuns: 600, seed: 5 },
    );
    // In the data: any numbers are weights, though not any are precisions.
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: header, max: bytes.length - 1 }), fc.nat(7), async (at, bit) => {
        const damaged = bytes.slice();
        damaged[at] ^= 1 << bit;
        await taken(damaged);
      }),
      { numRuns: 150, seed: 6 },
    );
  });

  test("metadata of any JSON", async () => {
    const bytes = (await trained("ivon")).toBytes();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("model", "tokenizer", "lambda", "format", "formatVersion"),
        fc.oneof(fc.json(), fc.string()),
        async (name, value) => {
          await taken(rewrite(bytes, { [name]: value }));
        },
      ),
      { numRuns: 300, seed: 7 },
    );
  });

  test.each([
    ["format", undefined, "E_FORMAT"],
    ["format", "other", "E_FORMAT"],
    ["formatVersion", "3", "E_VERSION"],
    ["formatVersion", undefined, "E_VERSION"],
    ["model", undefined, "E_FORMAT"],
    ["model", "null", "E_FORMAT"],
    ["model", "[]", "E_FORMAT"],
    ["model", '"x"', "E_FORMAT"],
    ["model", "{}", "E_FORMAT"],
    ["tokenizer", undefined, "E_FORMAT"],
    ["tokenizer", "null", "E_TOKENIZER"],
    ["tokenizer", '{"kind":"byte"}', "E_VOCABULARY_MISMATCH"],
    ["tokenizer", '{"kind":"json","json":{},"config":null}', "E_TOKENIZER"],
    ["lambda", undefined, "E_FORMAT"],
  ])("%s of %s", async (name, value, code) => {
    const bytes = rewrite((await trained("adam")).toBytes(), { [name]: value });
    await expect(LanguageModel.load(bytes)).rejects.toMatchObject({ name: "SviError", code });
  });

  test("a configuration that the tensors do not have takes no memory", async () => {
    const bytes = (await trained("adam")).toBytes();
    const { model } = readSafetensors(bytes).metadata;
    const allocated: number[] = [];
    const Native = globalThis.Float32Array;
    for (const change of [
      { hidden: 8192, layers: 4 },
      { hidden: 10 },
      { layers: 2 },
      { embedding: 6 },
      { tied: true },
      { tied: "yes" },
      { softmax: "adaptive" },
      { softmax: "adaptive", cutoffs: [6, 15] },
      { softmax: "adaptive", cutoffs: { length: 1 } },
      { softmax: ["adaptive"] },
      { cutoffs: [1] },
      { cutoffs: null },
      { hidden: 0 },
      { hidden: "9" },
      { hidden: 1e300 },
      { vocabulary: 2 ** 22 },
      { layers: 5 },
    ]) {
      globalThis.Float32Array = new Proxy(Native, {
        construct(target, [first, ...rest]) {
          if (typeof first === "number") allocated.push(first);
          return new target(first, ...rest);
        },
      });
      try {
        const hostile = rewrite(bytes, { model: JSON.stringify({ ...JSON.parse(model), ...change }) });
        const error = await LanguageModel.load(hostile).catch((thrown) => thrown);
        expect(error, JSON.stringify(change)).toMatchObject({ name: "SviError" });
        expect(["E_FORMAT", "E_VOCABULARY_MISMATCH"]).toContain(error.code);
      } finally {
        globalThis.Float32Array = Native;
      }
    }
    expect(Math.max(0, ...allocated)).toBeLessThan(1e5);
  });

  test("precisions that are none, and tensors of other types and shapes", async () => {
    const bytes = (await trained("ivon")).toBytes();
    const change = (
      name: string,
      edit: (data: Float32Array<ArrayBuffer>) => Float32Array<ArrayBuffer>,
      shape?: number[],
    ) => {
      const { tensors, metadata } = readSafetensors(bytes);
      const map = new Map(tensors);
      const old = map.get(name)!;
      map.set(name, {
        dtype: "F32",
        shape: shape ?? old.shape,
        data: edit((old.data as Float32Array<ArrayBuffer>).slice()),
      });
      return writeSafetensors(map, metadata);
    };
    const name = "posterior/precision/lstm.weight_hh_l0";
    for (const value of [0, -1, Number.NaN])
      await expect(LanguageModel.load(change(name, (data) => data.fill(value, 4, 5)))).rejects.toMatchObject({
        code: "E_FORMAT",
      });
    const hh = "lstm.weight_hh_l0";
    await expect(LanguageModel.load(change(hh, (data) => data, [9, 36]))).rejects.toMatchObject({
      code: "E_FORMAT",
    });
    await expect(LanguageModel.load(change(hh, (data) => data, [36 * 9]))).rejects.toMatchObject({
      code: "E_FORMAT",
    });
    const { tensors, metadata } = readSafetensors(bytes);
    const without = new Map([...tensors].filter(([key]) => key !== name));
    await expect(LanguageModel.load(writeSafetensors(without, metadata))).rejects.toMatchObject({
      code: "E_FORMAT",
    });
  });
});
