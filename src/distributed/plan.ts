/** @module What a distributed run is asked to do: plain values, whose hash is the run's name. */
import { sha256 } from "../formats/sha256.ts";
import type { IvonMethod } from "../inference/ivon/method.ts";
import type { GaussianPrior } from "../inference/method.ts";
import type { Shard } from "./texts.ts";

/** Everything that decides the final model's bits, but for the text itself. */
export interface RunPlan {
  /** Of the package, and the hash of its kernels' sources: workers of others are refused. */
  readonly version: string;
  readonly sources: string;
  readonly shards: readonly Shard[];
  readonly lineEnds: "keep" | "lf";
  readonly method: IvonMethod & { readonly prior: GaussianPrior };
  readonly batch: number;
  readonly sequence: number;
  readonly seed: number;
  readonly products: "float32" | "int16";
  readonly rounds: number;
  /** Epochs over its shard that a job reads in a round; a fraction reads on where the last round ended. */
  readonly local: number;
  /** Share of the merged change that is made in a round. */
  readonly damping: number;
  /** Share of a round's movement of the mean that the next one continues with. */
  readonly momentum: number;
  /** Epochs over the first shard that come before the first round, by one job. */
  readonly warmUp: number;
  /** Of the jobs of a round, how many a second worker does again to compare. */
  readonly verify: number;
  /** Blob of the untrained model, with its tokenizer. */
  readonly initial: string;
}

/** JSON knows no infinity, which stands for a bound that is none. */
export function planBytes(plan: RunPlan): Uint8Array {
  const text = JSON.stringify(plan, (_name, value) =>
    value === Number.POSITIVE_INFINITY ? UNBOUNDED : value,
  );
  return new TextEncoder().encode(text);
}

export function planFromBytes(bytes: Uint8Array): RunPlan {
  return JSON.parse(new TextDecoder().decode(bytes), (_name, value) =>
    value === UNBOUNDED ? Number.POSITIVE_INFINITY : value,
  );
}

const UNBOUNDED = "unbounded";

/** The run's name: 16 hexadecimal digits that any change of the plan changes. */
export function nameOf(plan: RunPlan): string {
  return sha256(planBytes(plan)).slice(0, 16);
}

/** Of a shard's bytes among those of all. */
export function sharesOf(shards: readonly Shard[]): number[] {
  const bytes = shards.map((ranges) => ranges.reduce((sum, { from, to }) => sum + to - from, 0));
  const total = bytes.reduce((a, b) => a + b, 0);
  return bytes.map((size) => size / total);
}

/** Precision of the prior, one over its variance. */
export function priorPrecisionOf({ prior }: { readonly prior: GaussianPrior }): number {
  return 1 / (prior.scale * prior.scale);
}
