/** @module A disk that is full at a write: the run ends with 1, what it learnt is somewhere, and it can be resumed. */
import { type Campaign, exists, hashOf, place, run, train, type Whole } from "./support.ts";

/** @returns at how many places the disk was full and all came out right */
export async function diskFull(campaign: Campaign, count: number, { hash, bytes }: Whole): Promise<number> {
  let right = 0;
  for (let i = 0; i < count; i++) {
    const at = place("full");
    const after = Math.floor((bytes * (i + 0.5)) / count);
    const { code, events, err } = await run(train(at), { kind: "full", after });
    const last = events.at(-1);
    const steps = events.some(({ event }) => event === "step");
    const told = code === 1 && err === "" && last?.code === "E_FILE_WRITE";
    const kept =
      !steps || exists(at.out) || exists(/the model is in (\S+)\.$/.exec(last?.message)?.[1] ?? "");
    const resumed = exists(`${at.folder}/checkpoint.svi`) ? ["--resume"] : [];
    const found = hashOf(await run(train(at, ...resumed)));
    if (
      campaign.expect(`full after ${after} bytes`, told && kept && found === hash, {
        code,
        last,
        err,
        kept,
        found,
      })
    )
      right++;
  }
  return right;
}
