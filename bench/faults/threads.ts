/** @module A thread that is lost: the run ends with 1 and `E_WORKER`, what it learnt is kept, and it can be resumed. */
import { type Campaign, exists, hashOf, place, run, train, uniform } from "./support.ts";

const TWO = ["--threads", "2", "--hidden", "48", "--batch", "8", "--epochs", "20"];

/** @returns how many threads were lost and all came out right */
export async function lostThreads(campaign: Campaign, count: number): Promise<number> {
  const random = uniform(2);
  const whole = await run(train(place("threads"), ...TWO));
  let right = 0;
  for (let i = 0; i < count; i++) {
    const at = place("thread");
    const after = Math.floor(1000 * random() * whole.seconds);
    const { code, events } = await run(train(at, ...TWO), { kind: "thread", after });
    const last = events.at(-1);
    const steps = events.filter(({ event }) => event === "step").length;
    // It may have ended before, or the thread may not have been needed any more.
    const told = (code === 0 && last?.event === "done") || (code === 1 && last?.code === "E_WORKER");
    const kept = code === 0 || steps < 2 || exists(at.out);
    const resumed = exists(`${at.folder}/checkpoint.svi`) ? ["--resume"] : [];
    const found = hashOf(await run(train(at, ...TWO, ...resumed)));
    const same = found === hashOf(whole);
    if (campaign.expect(`a thread lost after ${after} ms`, told && kept && same, { code, last, kept, found }))
      right++;
  }
  return right;
}
