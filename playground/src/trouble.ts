/** @module What stands in the way of everything: told once, above every view. */
import { replace } from "./dom.ts";
import { notice } from "./parts/notice.ts";

/** A module with one SIMD instruction: engines without SIMD refuse it. */
const SIMD = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98,
  11,
];

/** What the browser lacks, or null. */
export function lacking(): { readonly problem: string; readonly remedy: string } | null {
  const update = "Open this page in a current Chrome, Edge, Firefox or Safari (16.4 or newer)";
  if (typeof WebAssembly !== "object")
    return {
      problem: "This browser has no WebAssembly, or it is turned off",
      remedy: `${update}, or leave lockdown mode for this site`,
    };
  if (!WebAssembly.validate(Uint8Array.from(SIMD)))
    return {
      problem: "This browser has no WebAssembly SIMD, with which everything here is computed",
      remedy: update,
    };
  if (typeof Worker !== "function")
    return { problem: "This browser has no workers, in which the page computes", remedy: update };
  return null;
}

export function startTrouble(place: HTMLElement): void {
  const found = lacking();
  if (found) replace(place, notice(found));
}
