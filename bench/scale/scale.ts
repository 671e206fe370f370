/**
 * How a run over shards scales beyond the machines at hand: runs on this one are measured, the rest is simulated.
 *
 *   npm run bench:scale -- [--text FILE] [--epochs 4] [--hidden 128] [--json]
 *   npm run bench:scale -- --plan --bytes 10e9 --workers 100 [--loss X] [--measured FILE]
 *
 * Measured: held-out losses over shards and over tokens between merges; a job's time and its overhead; the bytes of a
 * posterior. Simulated: time to a loss over 1 to 1,000 workers and texts of 10 MB to 100 GB, with the shards and
 * rounds that come to it soonest, and what limits. `--save FILE` keeps what was measured, `--measured FILE` takes it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { mobyDick } from "../study/corpora.ts";
import { type Curve, type Drift, fitCurve, fitDrift, lossAt, type Measured } from "./learning.ts";
import { machineOf, measured, type Shape, textFiles } from "./measure.ts";
import { type Plan, plan } from "./plan.ts";
import type { Machine, Network } from "./simulate.ts";

const { values } = parseArgs({
  options: {
    text: { type: "string" },
    epochs: { type: "string", default: "4" },
    embedding: { type: "string", default: "32" },
    hidden: { type: "string", default: "128" },
    layers: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    plan: { type: "boolean", default: false },
    bytes: { type: "string", default: "1e9" },
    workers: { type: "string", default: "8" },
    loss: { type: "string" },
    latency: { type: "string", default: "0.002" },
    "worker-bandwidth": { type: "string", default: "125e6" },
    "store-bandwidth": { type: "string", default: "1.25e9" },
    save: { type: "string" },
    measured: { type: "string" },
    json: { type: "boolean", default: false },
  },
});

interface Known {
  readonly parameters: number;
  readonly machine: Machine;
  readonly runs: readonly Measured[];
}

const network: Network = {
  latency: Number(values.latency),
  workerBandwidth: Number(values["worker-bandwidth"]),
  storeBandwidth: Number(values["store-bandwidth"]),
};
const BYTES = [10e6, 100e6, 1e9, 10e9, 100e9];
const WORKERS = [1, 2, 4, 8, 32, 100, 316, 1000];

async function measureAll(): Promise<Known> {
  const text = values.text ? readFileSync(values.text, "utf8") : await mobyDick();
  const files = await textFiles(text);
  const shape: Shape = {
    embedding: Number(values.embedding),
    hidden: Number(values.hidden),
    layers: Number(values.layers),
    sequence: 64,
    seed: Number(values.seed),
  };
  const epochs = Number(values.epochs);
  try {
    const runs: Awaited<ReturnType<typeof measured>>[] = [];
    const settings = [
      // With as many lanes as serve one machine best.
      ...[0.125, 0.25, 0.5, 1].map((share) => ({ shards: 1, local: 0.25, epochs: share * epochs, batch: 8 })),
      ...[2, 4, 8].flatMap((shards) => [0.025, 0.1].map((local) => ({ shards, local, epochs }))),
    ];
    for (const setting of settings) {
      const run = await measured(files.train, files.valid, shape, setting);
      runs.push(run);
      tell(
        `${run.shards} shards, ${Math.round(run.jobTokens)} tokens a job: ${run.loss.toFixed(4)} nats, ${run.seconds.toFixed(1)} s`,
      );
    }
    // Of the longest jobs, and of the shortest ones: what differs is what a job costs besides training.
    const byLength = runs.filter(({ shards }) => shards === 8).sort((a, b) => a.jobTokens - b.jobTokens);
    const [many, few] = [byLength[0], byLength.at(-1)!];
    const machine = await machineOf(few, many);
    return {
      parameters: many.model.parameters,
      machine,
      runs: runs.map(({ shards, jobTokens, tokens, loss }) => ({ shards, jobTokens, tokens, loss })),
    };
  } finally {
    files.close();
  }
}

function tell(text: string): void {
  if (!values.json) console.log(text);
}

const known: Known = values.measured
  ? (JSON.parse(readFileSync(values.measured, "utf8")) as Known)
  : await measureAll();
if (values.save) writeFileSync(values.save, `${JSON.stringify(known, null, 2)}\n`);
if (new Set(known.runs.filter(({ shards }) => shards === 1).map(({ tokens }) => tokens)).size < 3)
  throw new Error("A curve needs runs of three lengths: give --epochs 2 or more");
const curve: Curve = fitCurve(known.runs.filter(({ shards }) => shards === 1));
const drift: Drift = fitDrift(curve, known.runs);

/** Where a run on one machine would be after reading a text once. */
function targetLoss(textTokens: number): number {
  return values.loss ? Number(values.loss) : lossAt(curve, textTokens);
}

function planned(textTokens: number, workers: number): Plan | null {
  const { parameters, machine } = known;
  const loss = targetLoss(Math.min(textTokens, 1e9));
  return plan({ parameters, workers, textTokens, epochs: 10, loss }, curve, drift, machine, network);
}

function described(found: Plan | null): string {
  if (!found) return "not reached";
  const { seconds, shards, rounds, limit, training } = found;
  const time = seconds < 5400 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
  return `${time} (${shards} × ${rounds}, trains ${Math.round(100 * training)} %, then ${limit})`;
}

const table = (values.plan ? [Number(values.bytes)] : BYTES).flatMap((bytes) =>
  (values.plan ? [Number(values.workers)] : WORKERS).map((workers) => ({
    bytes,
    workers,
    plan: planned(bytes, workers),
  })),
);
tell(
  `one machine: ${curve.floor.toFixed(3)} + ${curve.slope.toFixed(3)} · tokens^-${curve.power.toFixed(2)}`,
);
tell(`shards: 1 / (1 + ${drift.drift.toPrecision(2)} · (S − 1)^${drift.spread} · j^${drift.reach})`);
for (const { bytes, workers, plan: found } of table)
  tell(`${bytes.toExponential(0)} bytes, ${workers} workers: ${described(found)}`);
if (values.json) console.log(JSON.stringify({ ...known, curve, drift, network, table }));
