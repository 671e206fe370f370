/**
 * @module What a measured process does: it says that it is ready, then measures a block for every line it is sent.
 * So that processes can be timed in turn: the machine's speed drifts, and start-up and warm-up are not measured.
 */
import { createInterface } from "node:readline";

/** Seconds of a block. */
const BLOCK = 0.7;

/** @param run one unit of work: a training step, or a token; @param version of what is measured */
export async function serve(version: string, run: () => void | Promise<void>): Promise<void> {
  let times = 1;
  // Warm-up: until a block is long enough to be timed, at least three rounds.
  for (let round = 0, seconds = 0; round < 3 || seconds < BLOCK / 2; round++) {
    if (round >= 3) times *= 2;
    seconds = await timed(times, run);
    if (seconds > 4) break;
  }
  say({ ready: true, version });
  for await (const _ of createInterface({ input: process.stdin })) {
    let [count, seconds] = [0, 0];
    while (seconds < BLOCK) {
      seconds += await timed(times, run);
      count += times;
    }
    say({ seconds: seconds / count, bytes: process.memoryUsage().rss });
  }
  process.exit(0);
}

async function timed(times: number, run: () => void | Promise<void>): Promise<number> {
  const started = performance.now();
  for (let i = 0; i < times; i++) {
    const pending = run();
    // Awaiting what is already there costs a small model's token a microsecond.
    if (pending) await pending;
  }
  return (performance.now() - started) / 1000;
}

function say(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** What the coordinator passed. */
export function given(): Record<string, string> {
  return JSON.parse(process.argv[2]);
}
