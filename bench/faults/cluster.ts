/**
 * A run over 1, 2, 4 and 8 workers while workers and the coordinator are killed with -9 and Redis is killed and started
 * again with its append-only file: the hash of the final model is that of the undisturbed run. Needs redis-server.
 * What happens is told on stderr as it happens; a run of one number of workers that takes longer than --seconds fails.
 *
 *   npm run faults:cluster -- [--kills 20] [--coordinators 3] [--restarts 2] [--workers 1,2,4,8] [--seed 1] [--seconds 300]
 *   npm run faults:cluster -- --json     last line {"runs","kills","coordinators","restarts","hashes","failures"}
 */
import { mkdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { disturbed, type Faults, NONE, type RunShape, writeText } from "../../test/distributed/disturbed.ts";
import { bundleCommandLine } from "../../test/distributed/support.ts";
import { Campaign } from "./campaign.ts";
import { uniform } from "./support.ts";

const FOLDER = "build/faults/cluster";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "20" },
    coordinators: { type: "string", default: "3" },
    restarts: { type: "string", default: "2" },
    workers: { type: "string", default: "1,2,4,8" },
    seed: { type: "string", default: "1" },
    seconds: { type: "string", default: "300" },
    json: { type: "boolean", default: false },
  },
});
const count = (name: "kills" | "coordinators" | "restarts"): number => {
  const number = Number(values[name]);
  if (!Number.isInteger(number) || number < 0) throw new Error(`--${name} is ${values[name]}, not a count`);
  return number;
};
const faults: Faults = {
  kills: count("kills"),
  coordinators: count("coordinators"),
  restarts: count("restarts"),
};
const say = (text: string) => values.json || process.stdout.write(`${text}\n`);

mkdirSync(FOLDER, { recursive: true });
const bundle = `${FOLDER}/cli.mjs`;
bundleCommandLine(bundle);
const campaign = new Campaign(1, Number.POSITIVE_INFINITY);
const shape: RunShape = {
  bundle,
  folder: FOLDER,
  text: writeText(FOLDER, 1000),
  rounds: Math.max(6, faults.kills + faults.coordinators + faults.restarts + 3),
  limit: Number(values.seconds),
  say: (text) => campaign.say(text),
};
const random = uniform(Number(values.seed));
const hashes = new Set<string>();
const total: { -readonly [kind in keyof Faults]: number } = { ...NONE };
let runs = 0;
const whole = await disturbed({ ...shape, lock: 30 }, 1, NONE, random);
/** Lost workers are to be missed soon, and slow ones not: a job takes what a round of the undisturbed run took. */
const lock = Math.ceil(Math.min(30, Math.max(1, (4 * whole.seconds) / shape.rounds)));
hashes.add(whole.hash);
say(`undisturbed: ${whole.hash}, ${whole.seconds.toFixed(1)} s; jobs are given up after ${lock} s`);
for (const workers of values.workers.split(",").map(Number)) {
  const { hash, done, seconds } = await disturbed({ ...shape, lock }, workers, faults, random);
  const { kills, coordinators, restarts } = done;
  const what = `${workers} workers, ${kills} of them killed, ${coordinators} coordinators, Redis ${restarts} times`;
  say(`${what}: ${hash}, ${seconds.toFixed(1)} s`);
  campaign.expect(what, hash === whole.hash, hash);
  campaign.expect(`${what}: all faults in time`, JSON.stringify(done) === JSON.stringify(faults), done);
  hashes.add(hash);
  for (const kind of Object.keys(total) as (keyof Faults)[]) total[kind] += done[kind];
  runs++;
}
say(`failures: ${campaign.failures.length}`);
if (values.json)
  process.stdout.write(
    `${JSON.stringify({ runs, ...total, hashes: hashes.size, failures: campaign.failures.length })}\n`,
  );
process.exitCode = campaign.failures.length > 0 ? 1 : 0;
