/** @module What the host offers, and why something is off: nothing is silently slower. */
import { compilationRefused } from "./compile.ts";
import { width } from "./width.ts";

export interface Capability {
  readonly available: boolean;
  /** Why not; null where it is available. */
  readonly reason: string | null;
}

export interface Capabilities {
  /** Compiling WebAssembly from bytes; without it a compiled module must be imported. */
  readonly compile: Capability;
  /** What the default kernels need. */
  readonly simd: Capability;
  /** What `svi-lm/relaxed` needs. */
  readonly relaxed: Capability;
  /** Shared memory and workers to use it. */
  readonly threads: Capability;
  /** 256-bit code for products, which `useWideKernels` of `svi-lm/node` asks for. */
  readonly wide: Capability;
}

/** (func (result v128) i32.const 0 i8x16.splat) */
const SIMD = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11,
];
/** (func (param v128 v128 v128) (result v128) local.get 0 local.get 1 local.get 2 f32x4.relaxed_madd) */
const RELAXED = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 8, 1, 96, 3, 123, 123, 123, 1, 123, 3, 2, 1, 0, 10, 13, 1, 11, 0, 32, 0, 32,
  1, 32, 2, 253, 133, 2, 11,
];

/** Asks the host; changes nothing. */
export function capabilities(): Capabilities {
  const refused = compilationRefused();
  return {
    compile: capability(refused && `${refused.problem}; ${refused.remedy}`),
    simd: capability(runs(SIMD) ? null : "The engine lacks WebAssembly SIMD"),
    relaxed: capability(runs(RELAXED) ? null : "The engine lacks WebAssembly relaxed SIMD"),
    threads: capability(threadsRefused()),
    wide: capability(width.reason),
  };
}

export function capability(reason: string | null): Capability {
  return { available: reason === null, reason };
}

function runs(bytes: readonly number[]): boolean {
  return typeof WebAssembly === "object" && WebAssembly.validate(Uint8Array.from(bytes));
}

function threadsRefused(): string | null {
  const host = globalThis as {
    SharedArrayBuffer?: unknown;
    Worker?: unknown;
    crossOriginIsolated?: boolean;
    process?: { versions?: { node?: string } };
    navigator?: { userAgent?: string };
  };
  if (host.navigator?.userAgent === "Cloudflare-Workers") return "Cloudflare Workers have no threads";
  if (host.crossOriginIsolated === false)
    return "The page is not cross-origin isolated: serve it with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp";
  if (host.SharedArrayBuffer === undefined) return "The host has no SharedArrayBuffer";
  if (host.Worker === undefined && host.process?.versions?.node === undefined)
    return "The host has no workers";
  return null;
}
