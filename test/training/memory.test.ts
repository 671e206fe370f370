/** Memory over many steps: see bench/memory.ts, which runs 20,000 of them by itself. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("6,000 steps leave wasm memory as it was and the heap flat", { timeout: 120_000 }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    "scripts/run.mjs",
    "bench/memory.ts",
    "--",
    "6000",
  ]);
  const figures = JSON.parse(stdout.trim().split("\n").at(-1)!);
  expect(figures.steps).toBe(6000);
  expect(figures.wasmGrowth).toBe(0);
  expect(figures.wasmBytes).toBeGreaterThan(65536);
  // The engine still warms up: a kept record would be 500 bytes a step, a kept array thousands.
  expect(figures.heapBytesPerStep).toBeLessThan(300);
});
