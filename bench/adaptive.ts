/**
 * What an adaptive softmax saves on one thread: training throughput and memory against a full one, and where the
 * time of a step goes.
 *
 *   npm run bench:adaptive -- [--vocabulary 10000,100000] [--methods adam,ivon] [--seconds 20] [--batch 20]
 *     [--sequence 35] [--cutoffs 2000,10000] [--json]
 *
 * Embedding 128, 2 × 200; tokens drawn by Zipf's law, 1/rank. Steps of both are taken in turn; figures are medians.
 */
import { parseArgs } from "node:util";
import "../src/kernels/embedded.ts";
import { adam, ivon, type Method } from "../src/inference/public.ts";
import { Network } from "../src/model/network.ts";
import { randomPosterior, step as runStep, STILL, trainerOf } from "./run.ts";

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    vocabulary: { type: "string", default: "10000,100000" },
    methods: { type: "string", default: "adam,ivon" },
    seconds: { type: "string", default: "20" },
    batch: { type: "string", default: "20" },
    sequence: { type: "string", default: "35" },
    cutoffs: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const SHAPE = { embedding: 128, hidden: 200, layers: 2 };
const [batch, sequence, seconds] = [values.batch, values.sequence, values.seconds].map(Number);
const METHODS: Record<string, () => Method> = { adam: () => adam(STILL), ivon: () => ivon(STILL) };
const SOFTMAXES = ["full", "adaptive"] as const;

/** Milliseconds of the step under way. */
let output = 0;

/** The output layer's work is the loss, its gradients included; packing its weights is left to the rest. */
const { loss } = Network.prototype;
Network.prototype.loss = function (theta, gradient, take) {
  let started = 0;
  this.tape.js(() => {
    started = performance.now();
  });
  loss.call(this, theta, gradient, take);
  this.tape.js(() => {
    output += performance.now() - started;
  });
};

/** Ids whose frequency is one over their rank. */
function zipf(vocabulary: number): (count: number) => Int32Array {
  const cumulated = new Float64Array(vocabulary);
  let sum = 0;
  for (let id = 0; id < vocabulary; id++) {
    sum += 1 / (id + 1);
    cumulated[id] = sum;
  }
  const draw = () => {
    const at = Math.random() * sum;
    let [low, high] = [0, vocabulary - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulated[middle] < at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return (count) => Int32Array.from({ length: count }, draw);
}

interface Runner {
  readonly bytes: number;
  readonly parameters: number;
  readonly cutoffs: readonly number[];
  /** One step. */
  step(): { total: number; output: number };
}

function runnerOf(vocabulary: number, softmax: "full" | "adaptive", method: Method): Runner {
  const cutoffs = softmax === "adaptive" ? values.cutoffs?.split(",").map(Number) : undefined;
  const shape = { ...SHAPE, vocabulary, batch, sequence, softmax, cutoffs };
  const posterior = randomPosterior(shape);
  const { configuration, layout } = posterior;
  const trainer = trainerOf(shape, method, undefined, posterior);
  const tokens = zipf(vocabulary);
  return {
    bytes: trainer.bytes,
    parameters: layout.parameters,
    cutoffs: configuration.cutoffs,
    step() {
      const [inputs, targets] = [tokens(batch * sequence), tokens(batch * sequence)];
      output = 0;
      const started = performance.now();
      runStep(trainer, inputs, targets);
      return { total: performance.now() - started, output };
    },
  };
}

function median(numbers: readonly number[]): number {
  const sorted = Float64Array.from(numbers).sort();
  return sorted[sorted.length >> 1];
}

function measure(vocabulary: number, name: string, duration: number) {
  const runners = SOFTMAXES.map((softmax) => runnerOf(vocabulary, softmax, METHODS[name]()));
  const times = runners.map((): ReturnType<Runner["step"]>[] => []);
  for (const runner of runners) runner.step();
  const until = performance.now() + 1000 * duration;
  do {
    times[0].push(runners[0].step());
    // One step of the full softmax takes as long as many of the other.
    for (let i = 0; i < 5; i++) times[1].push(runners[1].step());
  } while (performance.now() < until);
  return runners.map(({ bytes, parameters, cutoffs }, i) => {
    const milliseconds = median(times[i].map(({ total }) => total));
    return {
      vocabulary,
      method: name,
      softmax: SOFTMAXES[i],
      cutoffs,
      tokensPerSecond: (1000 * batch * sequence) / milliseconds,
      millisecondsPerStep: milliseconds,
      ratioToFull: median(times[0].map(({ total }) => total)) / milliseconds,
      outputShare: median(times[i].map(({ output, total }) => output / total)),
      parameters,
      megabytes: bytes / 1e6,
      steps: times[i].length,
    };
  });
}

const sizes = values.vocabulary.split(",").map(Number);
const methods = values.methods.split(",");
const rows = sizes.flatMap((vocabulary) =>
  methods.flatMap((method) => measure(vocabulary, method, seconds / sizes.length / methods.length)),
);
if (values.json) console.log(JSON.stringify({ shape: { ...SHAPE, batch, sequence }, rows }));
else {
  console.log(`embedding 128, 2 × 200, batch ${batch}, ${sequence} steps, one thread; medians`);
  console.log("vocabulary  method  softmax   tokens/s   ms/step   ratio  loss  parameters     MB  cutoffs");
  for (const r of rows)
    console.log(
      [
        String(r.vocabulary).padStart(10),
        r.method.padEnd(6),
        r.softmax.padEnd(8),
        Math.round(r.tokensPerSecond).toString().padStart(9),
        r.millisecondsPerStep.toFixed(1).padStart(8),
        r.ratioToFull.toFixed(2).padStart(6),
        `${Math.round(100 * r.outputShare)} %`.padStart(4),
        r.parameters.toLocaleString("en").padStart(11),
        Math.round(r.megabytes).toString().padStart(5),
        r.cutoffs.join(", "),
      ].join("  "),
    );
}
