/**
 * What svi-lm does when something fails that it cannot help: processes and threads that are killed, disks that are
 * full, memory that is refused, clocks that jump, two runs in one folder.
 *
 *   npm run faults                        12 kills, 6 full disks, 4 lost threads
 *   npm run faults -- --kills 200         and a quarter of that of the others
 *   npm run faults -- --json              {"kills","sameHash","diskFull","workers","memory","failures"}
 */
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { diskFull } from "./disk.ts";
import { jumpingClock, twoRuns } from "./folder.ts";
import { kills } from "./kills.ts";
import { refusedMemory } from "./memory.ts";
import { Campaign, CLI, hashOf, place, prepare, run, train, writesOf } from "./support.ts";
import { lostThreads } from "./threads.ts";

const { values } = parseArgs({
  options: { kills: { type: "string", default: "12" }, json: { type: "boolean", default: false } },
});
const count = Number(values.kills);
if (!Number.isInteger(count) || count < 1) throw new Error(`--kills is ${values.kills}, not a count`);

prepare();
const { status, stderr } = spawnSync(process.execPath, ["scripts/build-package.mjs", "--cli", CLI]);
if (status !== 0) throw new Error(String(stderr));

const campaign = new Campaign();
const undisturbed = place("whole");
const ended = await run(train(undisturbed));
const hash = hashOf(ended);
const whole = { hash, seconds: ended.seconds, ...writesOf(undisturbed, ended) };
const say = (text: string) => values.json || process.stdout.write(`${text}\n`);
say(`undisturbed: ${hash}, ${whole.seconds.toFixed(1)} s`);
const sameHash = await kills(campaign, count, whole);
say(`killed with -9 and resumed to the same hash: ${sameHash} of ${count}`);
const some = Math.max(4, Math.ceil(count / 4));
const full = await diskFull(campaign, some, whole);
say(`disk full, told, kept and resumed: ${full} of ${some}`);
const workers = await lostThreads(campaign, some);
say(`threads lost, told, kept and resumed: ${workers} of ${some}`);
const memory = await refusedMemory(campaign);
say(`allocations refused and told: ${memory}`);
await twoRuns(campaign);
await jumpingClock(campaign, hash);
for (const failure of campaign.failures) process.stderr.write(`${failure}\n`);
say(`failures: ${campaign.failures.length}`);
if (values.json)
  process.stdout.write(
    `${JSON.stringify({ kills: count, sameHash, diskFull: full, workers, memory, failures: campaign.failures.length })}\n`,
  );
process.exitCode = campaign.failures.length > 0 ? 1 : 0;
