/** @module A disk that is full at a write: the run ends with 1, what it learnt is somewhere, and it can be resumed. */
import { rmSync } from "node:fs";
import { dirname } from "node:path";
import type { Campaign, Outcome } from "./campaign.ts";
import { type Ended, exists, hashOf, type Place, place, run, train, type Whole } from "./support.ts";

/** Which disk is full, in turns: every one, that of checkpoints and model, that of the checkpoints. */
const FULL = [undefined, "faults/full", "/run/"] as const;

/** @returns at how many places the disk was full and all came out right */
export function diskFull(campaign: Campaign, count: number, whole: Whole): Promise<Outcome> {
  return campaign.each("disk full, told, kept and resumed", count, async (i) => {
    const at = place(`full-${i}`);
    const only = FULL[i % FULL.length];
    const bytes = only === "/run/" ? whole.checkpointBytes : whole.bytes;
    const after = Math.floor((bytes * (i + 0.5)) / count);
    const ended = await run(train(at), { kind: "full", after, only });
    const told = ended.code === 1 && ended.err === "" && ended.events.at(-1)?.code === "E_FILE_WRITE";
    const kept = keptBy(ended, at, only);
    const resumed = exists(`${at.folder}/checkpoint.svi`) ? ["--resume"] : [];
    const found = hashOf(await run(train(at, ...resumed)));
    rmSync(at.all, { recursive: true, force: true });
    const right = told && kept && found === whole.hash;
    const what = `${only ?? "every disk"} full after ${after} bytes`;
    return campaign.expect(what, right, { ...ended, events: ended.events.slice(-2), kept, found });
  });
}

/** The model is where it was asked for or where the message says; the checkpoint is enough where all disks are full. */
function keptBy({ events }: Ended, at: Place, only: string | undefined): boolean {
  if (!events.some(({ event }) => event === "step") || exists(at.out)) return true;
  const message: string = events.at(-1)?.message ?? "";
  const elsewhere = /(?:the model is in|were saved to) (\S+model\.svi)/.exec(message)?.[1] ?? "";
  const found = exists(elsewhere);
  if (found) rmSync(dirname(elsewhere), { recursive: true, force: true });
  const checkpoint = /the last checkpoint is (\S+checkpoint\.svi)/.exec(message)?.[1] ?? "";
  return found || (only === undefined && exists(checkpoint));
}
