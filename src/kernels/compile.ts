/** @module From bytes to a module, and in clear words why a host refuses. */
import { SviError } from "../errors.ts";
import { isResponse, memoryOf, messageOf, tagOf } from "../shapes.ts";

/** Where kernels come from: a module, its bytes, or a response that holds them. */
export type KernelSource = WebAssembly.Module | ArrayBufferView | ArrayBuffer | Response;

/**
 * The module of a source. Nothing is fetched here: a Response is the caller's.
 * @throws SviError `E_KERNELS` where the bytes are not WebAssembly; `E_HOST` where the host does not run it
 */
export async function moduleOf(source: KernelSource | Promise<KernelSource>): Promise<WebAssembly.Module> {
  const given = await source;
  if (isModule(given)) return given as WebAssembly.Module;
  if (isResponse(given)) {
    if (!given.ok)
      throw new SviError("E_KERNELS", `The server answered ${given.status} for ${given.url}`, {
        value: given.status,
        remedy: "Serve the package's kernels.wasm there",
      });
    return compileLater(new Uint8Array(await given.arrayBuffer()));
  }
  const bytes = memoryOf(given);
  if (bytes) return compileLater(bytes);
  throw notKernels(given);
}

/** What a bundler or a host hands over in place of a module is told apart. */
export function notKernels(given: unknown): SviError {
  return new SviError("E_KERNELS", `Kernels cannot be made of ${described(given)}`, {
    value: given,
    remedy:
      "Give a WebAssembly.Module, its bytes, or a Response that holds them; where a server wraps what is imported, as Nitro does, import svi-lm/edge-light",
  });
}

function described(given: unknown): string {
  return typeof given === "string" ? JSON.stringify(given.slice(0, 60)) : `a value of type ${tagOf(given)}`;
}

/** By its tag: a module that an edge host binds is of another realm, and no instance of this one's class. */
export function isModule(source: unknown): boolean {
  return tagOf(source) === "WebAssembly.Module";
}

/**
 * Compiles at once.
 * @throws SviError `E_KERNELS` where the bytes are not WebAssembly; `E_HOST` where the host lacks SIMD, forbids
 *   compilation, or compiles no more than a few kilobytes at once, as a page in Chrome before 115 does
 */
export function compile(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  requireMagic(bytes);
  try {
    return new WebAssembly.Module(bytes);
  } catch (cause) {
    throw refusal(bytes, cause);
  }
}

/** Compiles in any amount. @throws SviError as `compile` does */
export async function compileLater(bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
  requireMagic(bytes);
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    throw refusal(bytes, cause);
  }
}

/** "\0asm"; a page in its place is what a server answers that does not know the file. */
function requireMagic(bytes: Uint8Array): void {
  if (!ArrayBuffer.isView(bytes)) throw notKernels(bytes);
  if (bytes[0] === 0 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d) return;
  const start = new TextDecoder().decode(bytes.subarray(0, 60));
  const page = start.trimStart().startsWith("<");
  throw new SviError(
    "E_KERNELS",
    page ? "A page came in place of WebAssembly" : "The bytes are not WebAssembly",
    {
      value: start,
      remedy: page
        ? "Serve kernels.wasm itself under that address, or import svi-lm, which holds its kernels"
        : "Give the bytes of the package's kernels.wasm",
    },
  );
}

function refusal(bytes: Uint8Array<ArrayBuffer>, cause: unknown): SviError {
  const reason = compilationRefused();
  if (reason !== null) return new SviError("E_HOST", reason.problem, { ...reason, cause });
  const valid = WebAssembly.validate(bytes);
  return new SviError(
    "E_HOST",
    valid
      ? `This host refused to compile the kernels: ${messageOf(cause)}`
      : "This host does not run these kernels: it lacks WebAssembly SIMD, or relaxed SIMD for the relaxed ones",
    {
      value: messageOf(cause),
      remedy:
        "Use Node 20.19, Chrome 112 or another browser of its time or later; ask capabilities() what a host offers",
      cause,
    },
  );
}

/** The empty module: what any host compiles that compiles at all. */
const EMPTY = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/** Why this host compiles nothing at run time, or null where it does. */
export function compilationRefused(): { problem: string; value: string; remedy: string } | null {
  if (typeof WebAssembly !== "object")
    return {
      problem: "This host has no WebAssembly",
      value: typeof WebAssembly,
      remedy: "Allow it for this page, such as in Lockdown Mode, or run svi-lm elsewhere",
    };
  try {
    new WebAssembly.Module(EMPTY);
    return null;
  } catch (error) {
    const value = messageOf(error);
    if (/embedder/i.test(value))
      return {
        problem: "This host compiles no WebAssembly at run time",
        value,
        remedy: "Import svi-lm/workerd or svi-lm/edge-light, or give a compiled module to svi-lm/module",
      };
    return {
      problem: "This page's Content-Security-Policy forbids WebAssembly",
      value,
      remedy: "Add 'wasm-unsafe-eval' to its script-src",
    };
  }
}
