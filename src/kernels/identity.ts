/** @module What a compiled binary says about itself, and whether it is the one that this package was built with. */
import { SviError } from "../errors.ts";
import { tagOf } from "../shapes.ts";
import { packageVersion, sources } from "./generated/identity.ts";

/** How a binary does its arithmetic: `relaxed` fuses multiply and add, and its bits depend on the engine. */
export type Build = "simd" | "relaxed";

/** What scripts/build-kernels.mjs writes into the custom section `svi-lm` of a binary. */
export interface Identity {
  readonly version: string;
  readonly build: Build;
  /** Whether the binary imports a shared memory. */
  readonly threads: boolean;
  /** First 16 digits of the SHA-256 of the kernels' sources. */
  readonly sources: string;
}

/**
 * @throws SviError `E_KERNELS` where the module is not one of svi-lm's, or was compiled from other sources than
 *   this package's: its numbers would differ without a word
 */
export function identify(module: WebAssembly.Module): Identity {
  if (tagOf(module) !== "WebAssembly.Module")
    throw new SviError(
      "E_KERNELS",
      `A value of type ${tagOf(module)} came in place of a WebAssembly.Module`,
      {
        value: module,
        remedy:
          "Where a bundler makes something else of a .wasm import, let it leave that import alone, or import svi-lm/edge-light, which asks for .wasm?module",
      },
    );
  const identity = read(module);
  if (!identity)
    throw new SviError("E_KERNELS", "The WebAssembly module is not one of svi-lm's kernels", {
      value: WebAssembly.Module.exports(module).map(({ name }) => name),
      remedy: "Give the module of svi-lm/kernels.wasm, as the package ships it",
    });
  if (identity.sources !== sources)
    throw new SviError(
      "E_KERNELS",
      `The kernels are of svi-lm ${identity.version} (sources ${identity.sources}), the package of ${packageVersion} (sources ${sources})`,
      {
        value: identity.version,
        remedy: "Take svi-lm/kernels.wasm from the installed package, and clear what caches an older one",
      },
    );
  return identity;
}

function read(module: WebAssembly.Module): Identity | null {
  const [section] = WebAssembly.Module.customSections(module, "svi-lm");
  return section ? (JSON.parse(new TextDecoder().decode(section)) as Identity) : null;
}
