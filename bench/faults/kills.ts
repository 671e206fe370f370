/** @module kill -9 in the middle of a run, of a write, of a rename: resumed, it comes to the same hash. */
import { rmSync } from "node:fs";
import { type Campaign, exists, hashOf, place, run, start, train, uniform, type Whole } from "./support.ts";

/** @returns how many of the killed runs came to the hash of the undisturbed one */
export async function kills(campaign: Campaign, count: number, whole: Whole): Promise<number> {
  const random = uniform(1);
  let same = 0;
  for (let i = 0; i < count; ) {
    const at = place("kill");
    const how = await disturb(i, at, random, whole);
    if (how === null) continue;
    const resumed = exists(`${at.folder}/checkpoint.svi`) ? ["--resume"] : [];
    const found = hashOf(await run(train(at, ...resumed)));
    if (campaign.expect(`kill ${i++}, ${how}`, found === whole.hash, found)) same++;
    rmSync(at.folder, { recursive: true, force: true });
  }
  return same;
}

/** One run, killed. @returns how; null where it had ended before */
async function disturb(
  i: number,
  at: { folder: string; out: string },
  random: () => number,
  { seconds, bytes, files }: Whole,
): Promise<string | null> {
  if (i % 2 === 0) {
    const { child, end } = start(train(at));
    const wait = random() * 1.05 * seconds;
    const timer = setTimeout(() => child.kill("SIGKILL"), 1000 * wait);
    const { signal } = await end;
    clearTimeout(timer);
    return signal && `after ${wait.toFixed(3)} s`;
  }
  const kind = (["stop", "rename", "stop", "renamed"] as const)[(i >> 1) % 4];
  const after = Math.floor(random() * (kind === "stop" ? bytes : files));
  const { signal } = await run(train(at), { kind, after });
  return signal && `${kind} ${after}`;
}
