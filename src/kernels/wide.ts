/**
 * @module Has V8 make 256-bit code of the kernels, where that is known to help: its flag is set, and a few products tell
 * whether the code is faster and its bits are those of narrow code. If not, the flag is taken back.
 */
import { type Capability, capability } from "./capabilities.ts";
import { FORM } from "./forms.ts";
import { predictionText, trainingText } from "./generated/parts.ts";
import type { KernelExports } from "./generated/signatures.ts";
import { bytesOfText } from "./printable.ts";
import { width } from "./width.ts";

/** What decides; tests bring their own. */
export interface WideHost {
  readonly versions: Readonly<Record<string, string | undefined>>;
  readonly arch: string;
  /** V8's own flags, of the whole process. */
  setFlags(flags: string): void;
  instantiate(bytes: Uint8Array<ArrayBuffer>, memory?: WebAssembly.Memory): KernelExports;
  /** Milliseconds for code to become faster. */
  readonly patience: number;
}

const FLAG = "experimental-wasm-revectorize";
/** V8 of Node 24: that of Node 22 knows the flag and makes nothing of it, and one whose pass fails ends the process. */
const V8 = 13;
/** Rows for two groups; columns for three wide tiles and a narrow one; two blocks of the depth, one of odd depth. */
const SHAPE = { m: 10, n: 56, k: 301 };
/** Wide code gains 1.15 to 1.8 times, by the processor; code that is the same differs by a few per cent. */
const LEAST_GAIN = 1.1;
/** Between two rounds of the trial. */
const ROUND_MILLISECONDS = 3;

// As the host has them now: a test's fake timers come later, and would let the trial wait for ever.
const now = performance.now.bind(performance);
const later = setTimeout;

/**
 * Lets products take 256-bit code in this process from now on: 1.5 to 1.8 times as fast, with the same bits. V8 makes
 * such code behind a flag, which this sets for all WebAssembly of the process. A self-check of some 50 milliseconds
 * decides; `capabilities().wide` has its result. Models that exist keep the code they have.
 *
 * @returns whether it is on, or why not: an engine that is not known to gain, code that is not faster, or whose bits
 *   differ
 * @example
 * ```ts
 * import { useWideKernels } from "svi-lm/node";
 *
 * const { available, reason } = await useWideKernels();
 * ```
 */
export function useWideKernels(): Promise<Capability> {
  return widen(thisHost());
}

export async function widen(host: WideHost): Promise<Capability> {
  if (width.reason !== null) width.reason = await refusal(host);
  return capability(width.reason);
}

async function refusal(host: WideHost): Promise<string | null> {
  const { node, v8: engine = "", bun, deno } = host.versions;
  if (!node || bun || deno || host.arch !== "x64" || Number.parseInt(engine, 10) !== V8)
    return `Node 24 on x64 is known to gain from 256-bit code; this is ${hostName(host)}`;
  let reason: string | null;
  try {
    host.setFlags(`--${FLAG}`);
    reason = await trial(productsOf(host, false), productsOf(host, true), host.patience);
  } catch (error) {
    reason = `256-bit code could not be tried: ${String(error)}`;
  }
  if (reason !== null) host.setFlags(`--no-${FLAG}`);
  return reason;
}

/**
 * In rounds, since V8 optimises beside them: it has where a product takes less than half of what it took at first. Bits
 * are compared in each round, so of every kind of code.
 */
async function trial(
  narrow: readonly Product[],
  wide: readonly Product[],
  patience: number,
): Promise<string | null> {
  const pairs = narrow.map((product, i) => ({ narrow: timed(product), wide: timed(wide[i]) }));
  const until = now() + patience;
  for (;;) {
    for (const pair of pairs) {
      pair.narrow.measure();
      pair.wide.measure();
      if (pair.narrow.bits.some((word, at) => word !== pair.wide.bits[at]))
        return "256-bit code gave other bits than narrow code on this machine";
    }
    const gain = Math.min(...pairs.map((pair) => pair.narrow.best / pair.wide.best));
    const optimised = pairs.every((pair) => 2 * pair.narrow.best < pair.narrow.first);
    if (optimised && gain >= LEAST_GAIN) return null;
    if (now() > until)
      return optimised
        ? `The flag for 256-bit code has no effect on this machine: products are ${gain.toFixed(2)} times as fast`
        : "V8 did not optimise the products in time to compare them";
    await new Promise((resolve) => later(resolve, ROUND_MILLISECONDS));
  }
}

function timed({ bits, run }: Product) {
  const times = {
    bits,
    first: 0,
    best: Number.POSITIVE_INFINITY,
    measure() {
      for (let turn = 0; turn < 4; turn++) {
        const started = now();
        run();
        times.best = Math.min(times.best, now() - started);
      }
      times.first ||= times.best;
    },
  };
  return times;
}

interface Product {
  readonly bits: Int32Array;
  run(): void;
}

/** Of floats and of int16. The binaries are marked, or V8 would give both the same code. */
function productsOf(host: WideHost, wide: boolean): Product[] {
  const [first, second] = [predictionText, trainingText].map((text) =>
    Uint8Array.from([...bytesOfText(text), ...customSection(wide ? "w" : "n")]),
  );
  const float32 = host.instantiate(first);
  const int16 = host.instantiate(second, float32.memory);
  if (wide) for (const kernels of [float32, int16]) kernels.widen(1);
  float32.memory.grow(16);
  const room = { next: int16.heapBase(), scratch: float32.gemmScratchSize() };
  return [productOf(float32, FORM.float32, room), productOf(int16, FORM.int16, room)];
}

/** Empty, with a name of one character. */
function customSection(name: string): number[] {
  return [0, 2, 1, name.charCodeAt(0)];
}

/** Of numbers that are the same everywhere. */
function productOf(own: KernelExports, form: number, room: { next: number; scratch: number }): Product {
  const { m, n, k } = SHAPE;
  const [a, b, packed, c, scratch] = [m * k, n * k, own.packedSize(n, k, form), m * n, room.scratch / 4].map(
    (words) => {
      const at = 64 * Math.ceil(room.next / 64);
      room.next = at + 4 * words;
      return at;
    },
  );
  const floats = new Float32Array(own.memory.buffer, a, (packed - a) / 4);
  let state = 1;
  for (let i = 0; i < floats.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    floats[i] = state / 2 ** 31;
  }
  own.packRows(packed, b, k, k, n, form, 0, 0);
  return {
    bits: new Int32Array(own.memory.buffer, c, m * n),
    run: () => own.gemm(m, n, k, a, k, 0, packed, c, n, 0, scratch, form, 0, 0),
  };
}

function hostName({ versions: { node, v8, bun, deno }, arch }: WideHost): string {
  if (bun) return `Bun ${bun}`;
  if (deno) return `Deno ${deno}`;
  return node ? `Node ${node} (V8 ${v8}) on ${arch}` : "another host";
}

function thisHost(): WideHost {
  const { process } = globalThis as {
    process?: {
      versions: WideHost["versions"];
      arch: string;
      getBuiltinModule?(name: string): { setFlagsFromString(flags: string): void } | undefined;
    };
  };
  return {
    versions: process?.versions ?? {},
    arch: process?.arch ?? "",
    patience: 5000,
    setFlags: (flags) => process?.getBuiltinModule?.("node:v8")?.setFlagsFromString(flags),
    instantiate(bytes, memory) {
      const compiled = new WebAssembly.Module(bytes);
      const imports: WebAssembly.Imports = memory ? { env: { memory } } : {};
      return new WebAssembly.Instance(compiled, imports).exports as unknown as KernelExports;
    },
  };
}
