import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import { instantiateSync } from "@assemblyscript/loader";
import { afterEach, describe, expect, test, vi } from "vitest";
import { loadKernels, useKernels } from "../../src/entries/module.ts";
import { relaxed } from "../../src/entries/relaxed.ts";
import { SviError } from "../../src/errors.ts";
import { capabilities } from "../../src/kernels/capabilities.ts";
import { sources } from "../../src/kernels/generated/identity.ts";
import { predictionText, trainingText } from "../../src/kernels/generated/parts.ts";
import { relaxedText } from "../../src/kernels/generated/relaxed.ts";
import { simdText } from "../../src/kernels/generated/simd.ts";
import { identify } from "../../src/kernels/identity.ts";
import { KernelInstance } from "../../src/kernels/instance.ts";
import { kernelsOf } from "../../src/kernels/kernels.ts";
import { bytesOfText } from "../../src/kernels/printable.ts";
import { TRAINING } from "../../src/kernels/training.ts";

const bytes = readFileSync("build/kernels.simd.wasm");

/** The binary as another version's build would be: the digits of its sources' hash turned round. */
function otherVersion(): Uint8Array<ArrayBuffer> {
  const text = bytes.toString("latin1");
  return Uint8Array.from(Buffer.from(text.replace(sources, [...sources].reverse().join("")), "latin1"));
}

async function problem(work: () => unknown): Promise<SviError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof SviError) return error;
    throw error;
  }
  throw new Error("Nothing was thrown");
}

describe("a module that somebody brings", () => {
  test("says what it is", () => {
    const module = new WebAssembly.Module(bytes);
    expect(identify(module)).toMatchObject({ build: "simd", threads: false, sources });
  });

  test("is refused where a server's import gives something else, with the entry point that asks for a module", async () => {
    const wrapped = new Proxy(() => Promise.resolve({}), {});
    const { code, message } = await problem(() => kernelsOf("simd", wrapped as never).prepare!());
    expect(code).toBe("E_KERNELS");
    expect(message).toContain("svi-lm/edge-light");
  });

  test("is taken as module, as bytes and as response", async () => {
    for (const source of [new WebAssembly.Module(bytes), bytes, new Response(bytes)]) {
      const kernels = await loadKernels(source as Response);
      expect(kernels).toMatchObject({ build: "simd", reproducible: true, threads: 1 });
      expect(new KernelInstance(TRAINING, kernels).exports.exp64(0)).toBe(1);
    }
  });

  test("is taken from another realm, as edge hosts bind it", async () => {
    const compileThere = runInNewContext("(bytes) => new WebAssembly.Module(bytes)");
    const module = compileThere(bytes);
    expect(module instanceof WebAssembly.Module).toBe(false);
    expect(new KernelInstance(TRAINING, await loadKernels(module)).exports.exp64(0)).toBe(1);
  });

  test("is what AssemblyScript's own loader takes", () => {
    const { exports } = instantiateSync<{ exp64(x: number): number }>(bytes);
    expect(exports.exp64(1)).toBe(new KernelInstance(TRAINING).exports.exp64(1));
  });

  test("of another version is refused with both versions", async () => {
    const error = await problem(() => loadKernels(otherVersion()));
    expect(error.code).toBe("E_KERNELS");
    expect(error.message).toMatch(/kernels are of svi-lm/);
    expect(error.message).toContain(sources);
  });

  test("that is somebody else's is refused", async () => {
    const error = await problem(() => loadKernels(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)));
    expect(error).toMatchObject({ code: "E_KERNELS", value: [] });
    expect(error.message).toMatch(/not one of svi-lm's/);
  });

  test("that is a page is named as one", async () => {
    const page = new Response("\n<!doctype html><title>Not found</title>");
    const error = await problem(() => loadKernels(page));
    expect(error.code).toBe("E_KERNELS");
    expect(error.message).toMatch(/A page came in place of WebAssembly/);
  });

  test("that is missing is told by the server's answer", async () => {
    const error = await problem(() => loadKernels(new Response("", { status: 404 })));
    expect(error).toMatchObject({ code: "E_KERNELS", value: 404 });
  });

  test("that is nothing of the kind is refused", async () => {
    const error = await problem(() => loadKernels("kernels.wasm" as unknown as Response));
    expect(error).toMatchObject({ code: "E_KERNELS", value: "kernels.wasm" });
  });

  test("that uses what the engine lacks is refused with what it lacks", async () => {
    // Flags of a memory that no engine knows.
    const unknown = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 5, 3, 1, 127, 1);
    expect(await problem(() => loadKernels(unknown))).toMatchObject({ code: "E_HOST" });
  });
});

describe("chosen kernels", () => {
  const { build } = relaxed;
  afterEach(async () => useKernels(await loadKernels(bytes)));

  test("replace those of the entry point", async () => {
    const kernels = await loadKernels(bytes);
    let used = 0;
    useKernels({
      ...kernels,
      instantiate: () => {
        used++;
        return kernels.instantiate();
      },
    });
    new KernelInstance(TRAINING);
    expect(used).toBe(1);
  });

  test("of the relaxed build are labelled, and refused where the engine lacks them", async () => {
    expect(build).toBe("relaxed");
    expect(relaxed.reproducible).toBe(false);
    if (capabilities().relaxed.available) expect(relaxed.instantiate().exports.exp64(0)).toBe(1);
    else expect(await problem(() => relaxed.instantiate())).toMatchObject({ code: "E_HOST" });
  });
});

test("capabilities are told with a reason for what is off", () => {
  const found = capabilities();
  expect(found.simd).toEqual({ available: true, reason: null });
  expect(found.compile).toEqual({ available: true, reason: null });
  expect(found.threads).toEqual({ available: true, reason: null });
  const relaxedBytes = readFileSync("build/kernels.relaxed.wasm");
  expect(found.relaxed.available).toBe(WebAssembly.validate(relaxedBytes));
  expect(found.relaxed.reason === null).toBe(found.relaxed.available);
});

test("kernels as text are the binary, in characters that nothing has to escape", () => {
  for (const [name, text] of [
    ["simd", simdText],
    ["relaxed", relaxedText],
    ["prediction", predictionText],
    ["training", trainingText],
  ]) {
    const binary = Uint8Array.from(readFileSync(`build/kernels.${name}.wasm`));
    expect(bytesOfText(text)).toEqual(binary);
    // Browsers have no Buffer.
    vi.stubGlobal("Buffer", undefined);
    const decoded = bytesOfText(text);
    vi.unstubAllGlobals();
    expect(decoded).toEqual(binary);
    expect(text).toMatch(/^[ -~]+$/);
    expect(text).not.toMatch(/["$'<\\`]/);
  }
});
