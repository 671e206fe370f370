/** @module Which kernels do the arithmetic: those that an entry point of the package provided, or others asked for. */
import { SviError } from "../errors.ts";
import type { KernelExports } from "./generated/signatures.ts";
import { type Build, identify } from "./identity.ts";
import { instantiate } from "./loader.ts";

/** One private set of exports over a memory of its own. */
export interface Instantiated {
  readonly exports: KernelExports;
  readonly memory: WebAssembly.Memory;
  /** Gives back what the instance holds besides its memory. */
  release?(): void;
}

/** What computes. Given as the option `kernels` wherever long work is done; `simd` unless said otherwise. */
export interface Kernels {
  readonly build: Build;
  /** Whether the same bits come out on every engine. */
  readonly reproducible: boolean;
  readonly threads: number;
  instantiate(): Instantiated;
}

/** Kernels of a module that is compiled, or that will be when they are first used. */
export function kernelsOf(build: Build, module: WebAssembly.Module | (() => WebAssembly.Module)): Kernels {
  let checked: WebAssembly.Module | undefined;
  const ready = (): WebAssembly.Module => {
    if (checked) return checked;
    const candidate = typeof module === "function" ? module() : module;
    const identity = identify(candidate);
    if (identity.build !== build || identity.threads)
      throw new SviError(
        "E_KERNELS",
        `The module is the ${identity.build} build${identity.threads ? " for threads" : ""}, not ${build}`,
        {
          value: identity.build,
          remedy: `Give the package's kernels of the ${build} build`,
        },
      );
    checked = candidate;
    return candidate;
  };
  return {
    build,
    reproducible: build === "simd",
    threads: 1,
    instantiate() {
      const exports = instantiate(ready());
      return { exports, memory: exports.memory };
    },
  };
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
