/**
 * What svi-lm does when something fails that it cannot help: processes and threads that are killed, disks that are
 * full, memory that is refused, clocks that jump, two runs in one folder.
 *
 *   npm run faults                        12 kills, 4 full disks, 4 lost threads
 *   npm run faults -- --kills 200         and a quarter of that of the others
 *   npm run faults -- --parts disk,threads      some of kills, disk, threads, memory, folder, clock, interrupts
 *   npm run faults -- --parts interrupts --sends 8 --only eval,compare     Ctrl-C, so often a command
 *   npm run faults -- --processes 4       as many at a time, 2 by default
 *   npm run faults -- --seconds 600       what has not begun by then is left, which is a failure
 *   npm run faults -- --json              {"kills","sameHash","diskFull","workers","memory","interrupts","failures"} on the last line
 *
 * How far it is, and each figure as it is known, stands on stderr.
 */
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { Campaign } from "./campaign.ts";
import { diskFull } from "./disk.ts";
import { jumpingClock, twoRuns } from "./folder.ts";
import { interrupts } from "./interrupts.ts";
import { kills } from "./kills.ts";
import { refusedMemory } from "./memory.ts";
import { CLI, hashOf, place, prepare, run, train, wholeOf } from "./support.ts";
import { lostThreads } from "./threads.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "12" },
    processes: { type: "string", default: "2" },
    seconds: { type: "string", default: "1800" },
    parts: { type: "string", default: "kills,disk,threads,memory,folder,clock" },
    sends: { type: "string", default: "3" },
    only: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const [count, processes, seconds, sends] = (["kills", "processes", "seconds", "sends"] as const).map(
  (name) => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} is ${values[name]}, not a count`);
    return value;
  },
);

prepare();
const { status, stderr } = spawnSync(process.execPath, ["scripts/build-package.mjs", "--cli", CLI]);
if (status !== 0) throw new Error(String(stderr));

const campaign = new Campaign(processes, seconds);
const undisturbed = place("whole");
const ended = await run(train(undisturbed));
const hash = hashOf(ended);
const whole = wholeOf(undisturbed, ended);
campaign.say(`undisturbed: ${hash}, ${whole.steps} steps, ${whole.seconds.toFixed(1)} s`);
const some = Math.max(4, Math.ceil(count / 4));
const parts = new Set(values.parts.split(","));
const part = async <T>(name: string, work: () => Promise<T>) => (parts.has(name) ? work() : null);
const killed = await part("kills", () => kills(campaign, count, whole));
const full = await part("disk", () => diskFull(campaign, some, whole));
const workers = await part("threads", () => lostThreads(campaign, some));
const memory = await part("memory", () => refusedMemory(campaign));
await part("folder", () => twoRuns(campaign));
await part("clock", () => jumpingClock(campaign, hash));
const answers = await part("interrupts", () => interrupts(campaign, sends, values.only?.split(",") ?? []));
const failures = campaign.failures.length;
campaign.say(`failures: ${failures}`);
if (values.json) {
  const figures = {
    kills: killed?.made,
    sameHash: killed?.right,
    diskFull: full?.right,
    workers: workers?.right,
  };
  process.stdout.write(
    `${JSON.stringify({ ...figures, memory: memory?.right, interrupts: answers, failures })}\n`,
  );
}
process.exitCode = failures > 0 ? 1 : 0;
