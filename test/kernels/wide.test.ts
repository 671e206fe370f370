/** The tile for 256-bit code: its bits, and what must hold before it is taken. */
import { afterEach, describe, expect, test, vi } from "vitest";
import * as lib from "../../src/entries/index.ts";
import { threads } from "../../src/entries/threads.ts";
import { capabilities } from "../../src/kernels/capabilities.ts";
import type { KernelExports } from "../../src/kernels/generated/signatures.ts";
import { type WideHost, widen } from "../../src/kernels/wide.ts";
import { width } from "../../src/kernels/width.ts";
import { casesOf, train } from "../hashes/cases.ts";
import golden from "../hashes/golden.json" with { type: "json" };
import { Arena, random } from "./matrix.ts";

const ASLEEP = width.reason;
afterEach(() => {
  width.reason = ASLEEP;
});

describe("the wide tile has the narrow one's bits", () => {
  const arena = new Arena(32 * 2 ** 20);
  const { k } = arena;
  afterEach(() => k.widen(0));

  function product(wide: boolean, form: number, [m, n, depth]: number[], transposed: boolean): Float32Array {
    arena.reset();
    const a = arena.region(m * depth, random(m * depth, 3, 1));
    const b = arena.region(n * depth, random(n * depth, 2, 2));
    const packed = arena.region(k.packedSize(n, depth, form));
    const c = arena.region(m * n, random(m * n, 1, 3));
    k.packRows(packed, b, depth, depth, n, form, 0, 0);
    k.widen(Number(wide));
    k.gemm(
      m,
      n,
      depth,
      a,
      transposed ? m : depth,
      Number(transposed),
      packed,
      c,
      n,
      1,
      arena.scratch,
      form,
      0,
      0,
    );
    return arena.read(c, m * n);
  }

  const shapes = [
    [5, 16, 1],
    [5, 24, 257],
    [7, 40, 256],
    [20, 513, 33],
    [41, 532, 300],
    [3, 10, 301],
    [9, 28, 513],
    [45, 8, 7],
    [47, 1, 258],
  ];
  test.each(shapes)("%i × %i × %i", (...shape) => {
    for (const form of [0, 1])
      for (const transposed of [false, true])
        expect(product(true, form, shape, transposed)).toEqual(product(false, form, shape, transposed));
  });

  test("what is not finite stays so", () => {
    arena.reset();
    const row = random(32, 1, 1);
    row[3] = Number.NaN;
    const a = arena.region(5 * 32, Float32Array.from([...row, ...random(4 * 32, 1, 2)]));
    const b = arena.region(16 * 32, random(16 * 32, 1, 3));
    const packed = arena.region(k.packedSize(16, 32, 1));
    const c = arena.region(5 * 16);
    k.packRows(packed, b, 32, 32, 16, 1, 0, 0);
    k.widen(1);
    k.gemm(5, 16, 32, a, 32, 0, packed, c, 16, 0, arena.scratch, 1, 0, 0);
    const found = [...arena.read(c, 5 * 16)];
    expect(found.map(Number.isNaN)).toEqual(found.map((_, i) => i < 16));
  });
});

describe("training by the wide tile", () => {
  const cases = casesOf(lib).filter(
    ({ shape, method }) =>
      shape === "two layers, dropout, resets" && (method === "adam" || method === "ivon"),
  );
  const trained = golden.training as Record<string, string>;

  test.each(cases)(
    "$method, $products, one thread and two end with the narrow tile's weights",
    async (one) => {
      width.reason = null;
      const expected = trained[`${one.shape}, ${one.method}, ${one.products}`];
      expect((await train(lib, one)).found).toBe(expected);
      const kernels = await threads({ count: 2 });
      expect((await train(lib, one, { kernels })).found).toBe(expected);
      await kernels.dispose();
    },
  );
});

describe("useWideKernels", () => {
  const NODE_24 = { node: "24.9.0", v8: "13.6.233.10-node.28" };
  const flags: string[] = [];

  function host(change: (kernels: KernelExports, wide: () => boolean) => Partial<KernelExports>): WideHost {
    flags.length = 0;
    return {
      versions: NODE_24,
      arch: "x64",
      patience: 20,
      setFlags: (flag) => void flags.push(flag),
      instantiate(bytes, memory) {
        const imports: WebAssembly.Imports = memory ? { env: { memory } } : {};
        const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports);
        const kernels = exports as unknown as KernelExports;
        let wide = false;
        const widen = (on: number) => {
          wide = !!on;
          kernels.widen(on);
        };
        return { ...kernels, widen, ...change(kernels, () => wide) };
      },
    };
  }

  /** As V8 does, narrow code takes a third of the time after a while; wide code one `gain`-th of that. */
  const slow = (gain: number) => (kernels: KernelExports, wide: () => boolean) => {
    let calls = 0;
    return {
      gemm(...args: Parameters<KernelExports["gemm"]>) {
        kernels.gemm(...args);
        const milliseconds = (calls++ < 4 ? 12 : 4) / (wide() ? gain : 1);
        for (const until = performance.now() + milliseconds; performance.now() < until; );
      },
    };
  };

  test.each([
    [{ node: "20.19.0", v8: "11.3.244" }, "x64", "this is Node 20.19.0 (V8 11.3.244) on x64"],
    [{ node: "22.12.0", v8: "12.4.254" }, "x64", "this is Node 22.12.0"],
    [{ node: "25.2.0", v8: "14.1.146" }, "x64", "this is Node 25.2.0"],
    [{ node: "26.10.0", v8: "14.6.202" }, "x64", "this is Node 26.10.0"],
    [NODE_24, "arm64", "on arm64"],
    [{ ...NODE_24, bun: "1.4.5" }, "x64", "this is Bun 1.4.5"],
    [{ ...NODE_24, deno: "2.5.0" }, "x64", "this is Deno 2.5.0"],
    [{}, "", "this is another host"],
  ])("%o on %s is left alone", async (versions, arch, reason) => {
    const found = await widen({ ...host(() => ({})), versions, arch });
    expect(found).toEqual({ available: false, reason: expect.stringContaining(reason) });
    expect(flags).toEqual([]);
    expect(capabilities().wide).toEqual(found);
  });

  test("a flag that makes products faster stays set, and later instances take the tile", async () => {
    expect(await widen({ ...host(slow(4)), patience: 5000 })).toEqual({ available: true, reason: null });
    expect(flags).toEqual(["--experimental-wasm-revectorize"]);
    expect(capabilities().wide.available).toBe(true);
    // Nothing is tried twice.
    expect(await widen(host(() => ({})))).toEqual({ available: true, reason: null });
    expect(flags).toEqual([]);
  });

  test("a flag without effect is taken back", async () => {
    const { available, reason } = await widen({ ...host(slow(1)), patience: 600 });
    expect(available).toBe(false);
    expect(reason).toMatch(/has no effect on this machine: products are [01]\.\d\d times as fast/);
    expect(flags).toEqual(["--experimental-wasm-revectorize", "--no-experimental-wasm-revectorize"]);
  });

  test("wide code that differs by a bit is not taken", async () => {
    const wrong = (kernels: KernelExports, wide: () => boolean) => ({
      gemm(...args: Parameters<KernelExports["gemm"]>) {
        kernels.gemm(...args);
        if (wide()) new Int32Array(kernels.memory.buffer)[args[7] / 4 + 100] ^= 1;
      },
    });
    expect(await widen(host(wrong))).toEqual({
      available: false,
      reason: "256-bit code gave other bits than narrow code on this machine",
    });
    expect(flags.at(-1)).toBe("--no-experimental-wasm-revectorize");
  });

  test("fake timers of a test do not hold the trial up", async () => {
    vi.useFakeTimers();
    try {
      expect((await widen(host(() => ({})))).available).toBe(false);
    } finally {
      vi.useRealTimers();
    }
  });

  test("a host that refuses the flag says so", async () => {
    const refusing: WideHost = {
      ...host(() => ({})),
      setFlags(flag) {
        if (!flag.startsWith("--no-")) throw new Error("flags are frozen");
      },
    };
    expect((await widen(refusing)).reason).toBe("256-bit code could not be tried: Error: flags are frozen");
  });
});
