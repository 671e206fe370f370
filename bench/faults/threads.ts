/** @module A thread that is lost: the run ends with 1 and `E_WORKER`, what it learnt is kept, and it can be resumed. */
import { rmSync } from "node:fs";
import type { Campaign, Outcome } from "./campaign.ts";
import { exists, hashOf, place, run, train, uniform } from "./support.ts";

/** Large enough for two threads to be used in every step. */
const TWO = ["--threads", "2", "--hidden", "48", "--batch", "8", "--epochs", "3"];

/** @returns how many threads were lost and all came out right */
export async function lostThreads(campaign: Campaign, count: number): Promise<Outcome> {
  const undisturbed = await run(train(place("threads"), ...TWO));
  const whole = hashOf(undisturbed);
  const steps = undisturbed.events.filter(({ event }) => event === "step").length;
  return campaign.each("threads lost, told, kept and resumed", count, async (i) => {
    const random = uniform(1000 + i);
    const at = place(`thread-${i}`);
    const after = Math.floor(random() * steps);
    const { code, events } = await run(train(at, ...TWO), { kind: "thread", after, wait: 6 * random() });
    const last = events.at(-1);
    const learnt = events.filter(({ event }) => event === "step").length;
    // The thread may not have been needed any more.
    const told = (code === 0 && last?.event === "done") || (code === 1 && last?.code === "E_WORKER");
    const checkpoint = /the last checkpoint is (\S+checkpoint\.svi)/.exec(last?.message)?.[1] ?? "";
    // An update may be half done: in the first steps there is nothing but the checkpoint to fall back to.
    const kept = code === 0 || learnt < 7 || exists(at.out) || exists(checkpoint);
    const resumed = exists(`${at.folder}/checkpoint.svi`) ? ["--resume"] : [];
    const found = hashOf(await run(train(at, ...TWO, ...resumed)));
    rmSync(at.all, { recursive: true, force: true });
    const right = told && kept && found === whole;
    return campaign.expect(`a thread lost after step ${after}`, right, { code, last, learnt, kept, found });
  });
}
