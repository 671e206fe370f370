/** @module Two runs in one folder, and clocks that jump. */
import { once } from "node:events";
import type { Campaign } from "./campaign.ts";
import { hashOf, place, run, start, train } from "./support.ts";

/** The second one is refused; a lock outlasts no process, however that ends. */
export async function twoRuns(campaign: Campaign): Promise<void> {
  const at = place("two");
  const { child, end } = start(train(at, "--epochs", "1000"));
  await once(child.stdout!, "data");
  const second = await run(train({ ...at, out: `${at.out}.2` }));
  const busy = second.code === 1 && second.events.at(-1)?.code === "E_BUSY";
  campaign.expect("a second run in the folder", busy, second);
  child.kill("SIGKILL");
  await end;
  const third = await run(train(at));
  campaign.expect("a run after the first was killed", third.code === 0, third.events.at(-1) ?? third.err);
}

export async function jumpingClock(campaign: Campaign, hash: string): Promise<void> {
  for (const after of [1, 2, 7, 100]) {
    const found = hashOf(await run(train(place("clock")), { kind: "clock", after }));
    campaign.expect(`a clock that jumps every ${after} readings`, found === hash, found);
  }
}
