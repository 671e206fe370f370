/**
 * What a job costs besides training, and a merge, in seconds of the processor: 8 shards of 1 MB, model A (2 × 256 units,
 * characters), blobs in a folder. Other work beside it does not count, so that it may be measured anywhere.
 *
 *   node scripts/run.mjs bench/scale/job.ts [--steps 4] [--jobs 3] [--batch N]
 *
 * The share of a round is told for jobs of 0.05 and 0.25 epochs, of a worker that does all jobs of a run, and where every
 * job is done by a worker that has kept nothing: between them are any other numbers of workers. A job of some steps and
 * one of a single one differ by the steps: what is left of the single one is the job's own.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runJob } from "../../src/distributed/job.ts";
import { Kept } from "../../src/distributed/kept.ts";
import { Merger } from "../../src/distributed/merger.ts";
import { planBytes, type RunPlan } from "../../src/distributed/plan.ts";
import { planRun } from "../../src/distributed/request.ts";
import { initialState, jobsOf, mergeRound, type RoundState } from "../../src/distributed/rounds.ts";
import { folderStore, StoredBlobs } from "../../src/distributed/store.ts";
import { LanguageModel, learnTokenizer } from "../../src/entries/index.ts";
import { mobyDick } from "../study/corpora.ts";

const { values } = parseArgs({
  options: {
    steps: { type: "string", default: "4" },
    jobs: { type: "string", default: "3" },
    batch: { type: "string" },
  },
});
const SHARDS = 8;
const BYTES = 2 ** 20;
/** After so many steps all weights have moved, and all curvatures: blobs pack as in the middle of a run. */
const WARM_UP_STEPS = 48;
const folder = mkdtempSync(join(tmpdir(), "svi-lm-job-"));
const blobs = new StoredBlobs(folderStore(join(folder, "blobs")));

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** Of several, so that what the engine compiles first does not count. */
async function least(times: number, work: () => Promise<unknown>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < times; i++) best = Math.min(best, await seconds(work));
  return best;
}

try {
  const book = await mobyDick();
  const text = book.repeat(Math.ceil((SHARDS * BYTES) / book.length)).slice(0, SHARDS * BYTES);
  const path = join(folder, "text.txt");
  writeFileSync(path, text);
  const tokenizer = await learnTokenizer(book, { kind: "character" });
  const model = await LanguageModel.create({ tokenizer, embedding: 128, hidden: 256, layers: 2 });
  const batch = values.batch === undefined ? undefined : Number(values.batch);
  const { plan } = await planRun({ model, texts: [path], shards: SHARDS, batch, warmUp: 1e-9 }, blobs);
  const planBlob = await blobs.put(planBytes(plan));
  const windows = BYTES / plan.batch / plan.sequence;
  const of = (steps: number): RunPlan => ({
    ...plan,
    warmUp: WARM_UP_STEPS / windows,
    local: steps / windows,
  });
  const begin = initialState(plan);
  const [warmUp] = jobsOf(planBlob, begin);
  const result = async (its: RunPlan, job: typeof warmUp, kept?: Kept) => ({
    ...(await runJob(its, job, blobs, { kept })),
    worker: "this process",
  });
  const merger = new Merger(plan, blobs);
  const kept = new Kept();
  const state: RoundState = await mergeRound(merger, begin, [await result(of(1), warmUp, kept)]);
  const [job] = jobsOf(planBlob, state);

  const done = await result(of(1), job, kept);
  const times = Number(values.jobs);
  const alone = await least(times, () => result(of(1), job, kept));
  const another = await least(times, () => result(of(1), job));
  const steps = 1 + Number(values.steps);
  const step = ((await least(times, () => result(of(steps), job, kept))) - alone) / (steps - 1);
  const same = new Array(SHARDS).fill(done);
  // The coordinator continues from what it has merged.
  const next = await mergeRound(merger, state, same);
  const merge = (await least(times, () => mergeRound(merger, { ...state, ...next }, same))) / SHARDS;
  console.log(`a step: ${step.toFixed(4)} s; merging a job: ${merge.toFixed(3)} s`);
  for (const [worker, one] of [
    ["one worker", alone],
    ["a worker that keeps nothing", another],
  ] as const) {
    const overhead = one - step;
    console.log(`${worker}: a job besides its steps takes ${overhead.toFixed(3)} s`);
    for (const local of [0.05, 0.25]) {
      const share = (overhead + merge) / (local * windows * step + overhead + merge);
      console.log(`  ${local} epochs a job: ${(100 * share).toFixed(2)} % of a round is not training`);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
