/** @module kill -9 in the middle of a run, of a write, of a rename: resumed, it comes to the same hash. */
import { rmSync } from "node:fs";
import type { Campaign, Outcome } from "./campaign.ts";
import {
  exists,
  hashOf,
  type Place,
  place,
  run,
  start,
  stepsOf,
  train,
  uniform,
  type Whole,
} from "./support.ts";

/** How processes are killed, in turns: at any moment, in the middle of a write, before and after a rename. */
const KINDS = ["moment", "stop", "moment", "rename", "moment", "stop", "moment", "renamed"] as const;
/** One in so many of the random moments lies in the start, before the first step. */
const STARTS = 10;

/** @returns how many of the killed runs came to the hash of the undisturbed one */
export function kills(campaign: Campaign, count: number, whole: Whole): Promise<Outcome> {
  return campaign.each("killed with -9 and resumed to the same hash", count, async (i) => {
    const random = uniform(i + 1);
    const at = place(`kill-${i}`);
    let how: string | null = null;
    // A busy machine may be done before the signal comes: another moment, then.
    while (how === null) how = await disturb(KINDS[i % KINDS.length], at, random, whole);
    const resumed = exists(`${at.folder}/checkpoint.svi`) ? ["--resume"] : [];
    const found = hashOf(await run(train(at, ...resumed)));
    rmSync(at.all, { recursive: true, force: true });
    return campaign.expect(`kill ${i}, ${how}`, found === whole.hash, found);
  });
}

/** One run, killed. @returns how; null where it had ended before */
async function disturb(
  kind: (typeof KINDS)[number],
  at: Place,
  random: () => number,
  whole: Whole,
): Promise<string | null> {
  if (kind === "moment") return killed(at, random, whole);
  const after = Math.floor(random() * (kind === "stop" ? whole.bytes : whole.files));
  const { signal } = await run(train(at), { kind, after });
  return signal && `${kind} ${after}`;
}

/** After a step that is drawn and a part of the next ones, or in the start. */
async function killed(at: Place, random: () => number, whole: Whole): Promise<string | null> {
  const starting = random() < 1 / STARTS;
  const step = starting ? 0 : Math.floor(random() * whole.steps);
  const wait = random() * (starting ? whole.seconds / 2 : 0.006);
  const { child, end } = start(train(at));
  const kill = () => setTimeout(() => child.kill("SIGKILL"), 1000 * wait);
  if (starting) kill();
  else stepsOf(child, step, kill);
  const { signal } = await end;
  return signal && `${(1000 * wait).toFixed(1)} ms after ${starting ? "its start" : `step ${step}`}`;
}
