/** @module `svi-lm bench`: the portable benchmark. */
import { benchmark } from "../benchmark.ts";
import { command } from "./command.ts";
import { KERNELS, kernelsFor, THREADS } from "./kernels.ts";
import { count, fixed, printJson, printTable } from "./print.ts";

export const bench = command({
  name: "bench",
  summary: "time this machine: the same work everywhere, with a hash that proves it",
  example: "svi-lm bench --json",
  words: [],
  options: { ...THREADS, ...KERNELS },
  async run({ options, json, interruption: { signal } }) {
    const result = await benchmark({ kernels: await kernelsFor(options), signal });
    if (json) printJson({ ...result, runtime: runtime() });
    else
      printTable([
        ["peak", `${figure(result.peakGflops)} GFLOP/s, multiply then add, one thread`],
        ["gemm", `${figure(result.gemmGflops)} GFLOP/s, 20 × 1024 × 256`],
        [
          "training",
          `${result.trainTokensPerSecond ? count(result.trainTokensPerSecond) : "unknown"} tokens/s`,
        ],
        ["prediction", `${figure(result.predictMicrosecondsPerToken)} µs a token`],
        ["hash", result.hash],
        [
          "runtime",
          `${runtime()}, ${result.build}, ${result.threads} thread${result.threads > 1 ? "s" : ""}`,
        ],
      ]);
    return 0;
  },
});

function figure(value: number | null): string {
  return fixed(value, 1);
}

/** Bun and Deno also call themselves Node: theirs first. */
function runtime(): string {
  const { versions } = process;
  const name = (["bun", "deno", "node"] as const).find((key) => versions[key]);
  return `${name} ${versions[name ?? "node"]}`;
}
