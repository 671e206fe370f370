/** @module The portable benchmark: the same work on every runtime, with a hash that proves it was the same. */
export { type BenchmarkOptions, type BenchmarkResult, benchmark } from "../benchmark.ts";
