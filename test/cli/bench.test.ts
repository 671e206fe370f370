/** The portable benchmark: its fields, and that its work is the same each time. */
import { expect, test } from "vitest";
import { benchmark } from "../../src/benchmark.ts";
import { commandLine, objects } from "./support.ts";

const cli = commandLine("bench");

test("bench --json prints every figure, and the hash of the library's own benchmark", async () => {
  const [result, again] = [await cli.run("bench", "--json"), await benchmark()];
  expect(result).toMatchObject({ code: 0, err: "" });
  const figures = objects(result.out);
  expect(figures).toHaveLength(1);
  const positive = expect.toSatisfy((value: unknown) => typeof value === "number" && value > 0);
  expect(figures[0]).toEqual({
    peakGflops: positive,
    gemmGflops: positive,
    trainTokensPerSecond: positive,
    predictMicrosecondsPerToken: positive,
    seconds: positive,
    build: "simd",
    threads: 1,
    hash: again.hash,
    runtime: expect.stringContaining(process.versions.node),
  });
}, 120_000);

test("the benchmark stops when its signal says so", async () => {
  const reason = new Error("enough");
  await expect(benchmark({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});
