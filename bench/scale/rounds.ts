/** Rounds of a run over shards, timed from the first merge to the last: the one before starts the threads. */
import { type ShardedOptions, trainSharded } from "../../src/distributed/sharded.ts";

export interface Timed {
  readonly rounds: number;
  readonly seconds: number;
  readonly tokens: number;
  /** The model's, which is the same for any number of workers. */
  readonly hash: string;
}

/** @param rounds that are timed; no more than a step is read before the first */
export async function timedRounds(options: ShardedOptions, rounds: number): Promise<Timed> {
  const merges: { seconds: number; tokens: number }[] = [];
  for await (const event of trainSharded({ ...options, rounds: rounds + 1, warmUp: 1e-9 })) {
    if (event.event === "round") merges.push(event);
    if (event.event !== "done") continue;
    const [from, to] = [merges[1], merges.at(-1)!];
    const hash = event.model.hash();
    return { rounds, seconds: to.seconds - from.seconds, tokens: to.tokens - from.tokens, hash };
  }
  throw new Error("The run has not ended");
}
