/** @module Which kernels do the arithmetic: those that an entry point of the package provided, or others asked for. */
import { SviError } from "../errors.ts";
import { type KernelSet, PREDICTION } from "./calls.ts";
import { compile, compileLater } from "./compile.ts";
import type { Kernel } from "./cuts.ts";
import type { KernelExports } from "./generated/signatures.ts";
import { type Build, identify } from "./identity.ts";
import { instantiate, instantiateLater } from "./loader.ts";
import type { Named, Step } from "./tape.ts";

/** Threads that help with calls; what they do not take is the caller's. */
export interface Crew {
  /** @returns the result, 0 where there is none, or undefined where the call is better made by one thread */
  call(kernel: Kernel, args: Named, cost: number): number | undefined;
  /** Makes the turns of a loop from `first` on. @returns false where each call is better made by itself */
  loop(body: readonly Step[], first: number, turns: number, cost: number): boolean;
}

/** One private set of exports over a memory of its own. */
export interface Instantiated {
  readonly exports: KernelExports;
  readonly memory: WebAssembly.Memory;
  readonly crew?: Crew;
  /** Gives back what the instance holds besides its memory. */
  release?(): void;
}

/** What computes. Given as the option `kernels` wherever long work is done; `simd` unless said otherwise. */
export interface Kernels {
  readonly build: Build;
  /** Whether the same bits come out on every engine. */
  readonly reproducible: boolean;
  readonly threads: number;
  /** To be awaited before `instantiate`, for hosts that compile nothing at once. */
  prepare?(set?: KernelSet): Promise<void>;
  /** What is made for prediction, as where nothing is said, may lack the other kernels. */
  instantiate(set?: KernelSet): Instantiated;
}

/**
 * Kernels of a module, or of bytes that are compiled when they are first used.
 * @param whole whether these are all; else those that predict, and a set brings the others
 */
export function kernelsOf(
  build: Build,
  source: WebAssembly.Module | (() => Uint8Array<ArrayBuffer>),
  whole = true,
): Kernels {
  let checked: WebAssembly.Module | undefined;
  const now = (set: KernelSet) => {
    checked ??= accept(build, typeof source === "function" ? compile(source()) : source);
    const own = instantiate(checked);
    return whole ? own : (set.extend?.(own) ?? own);
  };
  const later = async (set: KernelSet) => {
    checked ??= accept(build, typeof source === "function" ? await compileLater(source()) : source);
    const own = await instantiateLater(checked);
    return whole ? own : ((await set.extendLater?.(own)) ?? own);
  };
  return { build, reproducible: build === "simd", threads: 1, ...instances(now, later) };
}

function accept(build: Build, candidate: WebAssembly.Module): WebAssembly.Module {
  const identity = identify(candidate);
  if (identity.build === build && !identity.threads) return candidate;
  throw new SviError(
    "E_KERNELS",
    `The module is the ${identity.build} build${identity.threads ? " for threads" : ""}, not ${build}`,
    {
      value: identity.build,
      remedy: `Give the package's kernels of the ${build} build`,
    },
  );
}

/**
 * Instances made at once, or in advance where a host makes none at once: on a page, Chrome before 115 compiles and
 * instantiates no more than 4 kB that way.
 */
export function instances(
  now: (set: KernelSet) => KernelExports,
  later: (set: KernelSet) => Promise<KernelExports>,
): Pick<Kernels, "prepare" | "instantiate"> {
  const ready: { readonly set: KernelSet; readonly exports: KernelExports }[] = [];
  let atOnce: boolean | undefined;
  return {
    async prepare(set = PREDICTION) {
      if (atOnce) return;
      if (atOnce === undefined)
        try {
          ready.push({ set, exports: now(set) });
          atOnce = true;
          return;
        } catch (error) {
          if ((error as Partial<SviError>).code === "E_KERNELS") throw error;
        }
      ready.push({ set, exports: await later(set) });
      atOnce = false;
    },
    instantiate(set = PREDICTION) {
      const at = ready.findIndex((one) => one.set === set);
      const exports = at < 0 ? now(set) : ready.splice(at, 1)[0].exports;
      return { exports, memory: exports.memory };
    },
  };
}

/** To be awaited where an instance is about to be made. @throws SviError `E_HOST`, `E_KERNELS` */
export async function prepareKernels(set: KernelSet, kernels: Kernels = defaultKernels()): Promise<void> {
  await kernels.prepare?.(set);
}

let provided: Kernels | undefined;
let chosen: Kernels | undefined;

/** What an entry point ships. */
export function provideKernels(kernels: Kernels): void {
  provided = kernels;
}

/** What everything uses from now on that is not told otherwise. */
export function useKernels(kernels: Kernels): void {
  chosen = kernels;
}

/** @throws SviError `E_KERNELS` where the entry point ships none and none were given */
export function defaultKernels(): Kernels {
  const kernels = chosen ?? provided;
  if (kernels) return kernels;
  throw new SviError("E_KERNELS", "No kernels were given", {
    remedy: "Call useKernels(await loadKernels(module)) first, or import svi-lm, which holds its kernels",
  });
}
