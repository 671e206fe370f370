/** Calls of kernels over one memory, by position, and the tapes that they can be recorded on instead. */
import type { Kernel } from "../../src/kernels/cuts.ts";
import type { Instantiated } from "../../src/kernels/kernels.ts";
import { Tape } from "../../src/kernels/tape.ts";
import { TRAINING } from "../../src/kernels/training.ts";
import { randomNumbers } from "../support/random.ts";
import { kernelsOfForm, type LooseKernels, loosely } from "./forms.ts";

export const MEBIBYTE = 2 ** 20;
export const END = 44 * MEBIBYTE;
/** Room for the scratch of all threads, which is not compared. */
export const SCRATCH = MEBIBYTE;
export const FIRST = 4 * MEBIBYTE;
/** Arrays a mebibyte and a half apart, all of positive numbers of a size that every kernel can do with. */
const at = (n: number) => FIRST + n * 1.5 * MEBIBYTE;
const IDS = at(12);

const random = randomNumbers(7);
const contents = new Float32Array((END - FIRST) / 4).map(() => random() + 0.01);
for (let i = 0; i < 1000; i++)
  new Int32Array(contents.buffer)[(IDS - FIRST) / 4 + i] = i % 5 ? Math.floor(random() * 90) : 0;
const COUNTS = IDS + 4 * 1000;
for (let i = 0; i < 40; i++) new Int32Array(contents.buffer)[(COUNTS - FIRST) / 4 + i] = (i * 7) % 27;

/** Bytes from FIRST on that calls may write to. */
const COMPARED = 15 * MEBIBYTE;
const laidOut = new WeakSet<WebAssembly.Memory>();

export type Call = (k: LooseKernels) => unknown;

/** What a call returns and leaves in memory; `before` happens once the memory is filled. */
export function outcome({ memory }: Instantiated, k: LooseKernels, call: Call, before = () => {}) {
  // Nothing is written behind what is compared: the rest is laid out once.
  const fresh = !laidOut.has(memory);
  laidOut.add(memory);
  new Float32Array(memory.buffer, FIRST).set(fresh ? contents : contents.subarray(0, COMPARED / 4));
  before();
  const value = call(k);
  return { value, bytes: Buffer.from(new Uint8Array(memory.buffer, FIRST, COMPARED).slice()) };
}

/** Kernels whose calls go over a tape; `paused` hears how often it did. */
export function onTape(
  { exports, crew }: Instantiated,
  slice?: number,
  paused: (times: number) => void = () => {},
): LooseKernels {
  const calls = TRAINING.calls();
  const tape = new Tape({ set: TRAINING, exports, crew, threads: crew ? 2 : 1 }, slice);
  const record = (kernel: Kernel, values: number[]): number | undefined => {
    const { order, cut } = calls[kernel]!;
    const args = Object.fromEntries(order.map((name, i) => [name, values[i] ?? 0]));
    if ("width" in args && "first" in args) args.width ||= args.n;
    let result: number | undefined;
    const take = (value: number) => {
      result = result === undefined ? value : cut!.combine!(result, value);
    };
    (tape.k[kernel] as (args: unknown, take?: unknown) => void)(args, cut?.combine && take);
    const work = tape.run();
    let times = 0;
    while (!work.next().done) times++;
    paused(times);
    return result;
  };
  const kernels = Object.keys(exports).map((name) => [
    name,
    calls[name as Kernel]?.cut
      ? (...values: number[]) => record(name as Kernel, values)
      : exports[name as Kernel],
  ]);
  return { ...loosely(exports), ...Object.fromEntries(kernels) };
}

const ROWS = 37;
const WIDTH = 1030;
const LONG = 200_001;
/** Of the cheapest passes, for both of the slices that they are tried with to be full. */
const LONGER = 450_001;

/** One call of each kernel that can be cut, and of some in several ways. */
export const CALLS: Record<string, Call> = {
  sampleNatural: (k) => k.sampleNatural(at(0), at(1), at(2), LONG, 0.5, 0.3, 4800, 1, 2, 3, 0, 1),
  sampleMeanField: (k) => k.sampleMeanField(at(0), at(1), at(2), LONG, 0.5, 4800, 1, 2, 3, 0, 1),
  deviationArray: (k) => k.deviationArray(at(0), at(1), LONG),
  axpby: (k) => k.axpby(at(0), 0.3, at(1), 0.7, LONG),
  averageInto: (k) => k.averageInto(at(0), at(1), LONG, 0.3),
  meanFieldGradient: (k) => k.meanFieldGradient(at(0), at(1), at(2), at(3), at(4), LONG, 0.1, 0, 0.5, 0.9),
  meanFieldFinish: (k) => k.meanFieldFinish(at(0), at(1), at(2), at(3), LONG, 0.1, 0, 0.5, 0.9),
  meanFieldAccumulate: (k) => k.meanFieldAccumulate(at(0), at(1), at(2), at(3), at(4), at(5), LONG, 0.5, 0),
  sgdStep: (k) => k.sgdStep(at(0), at(1), at(2), LONG, 0.1, 0.9, 0.5, 0.01),
  dynamicStep: (k) => k.dynamicStep(at(0), at(1), at(2), at(3), LONG, 0.1, 0.01),
  adamStep: (k) => k.adamStep(at(0), at(1), at(2), at(3), LONG, 0.1, 0.9, 0.999, 1e-8, 1, 1, 0.5, 0.01),
  "ivonStep, one particle": (k) =>
    k.ivonStep(at(0), at(1), at(2), at(3), at(4), 0, LONG, 0.1, 0.9, 1, 1, 0.01, 2, 0, 5, 0.1, 0.1, 1),
  "ivonStep, particles": (k) =>
    k.ivonStep(at(0), at(1), at(2), at(3), at(4), at(5), LONG, 0.1, 0.9, 1, 1, 0.01, 2, 0, 5, 0.1, 0.1, 1),
  "ivonStep, no gradient": (k) =>
    k.ivonStep(at(0), at(1), at(2), at(3), 0, 0, LONG, 0.1, 0.9, 1, 1, 0.01, 2, 0, 5, 0.1, 0.1, 1),
  anchorGradient: (k) => k.anchorGradient(at(0), at(1), at(2), at(3), LONG, 0.5, 0.25),
  accumulateParticle: (k) => k.accumulateParticle(at(0), at(1), at(2), at(3), at(4), LONG, 0.5, 0),
  addProbabilities: (k) => k.addProbabilities(at(0), at(1), LONG + 3, 0),
  copyBytes: (k) => k.copyBytes(at(0), at(1), 4 * LONG),
  fillZero: (k) => k.fillZero(at(0), 4 * LONG),
  gatherRows: (k) => k.gatherRows(at(0), at(3), IDS, 151, WIDTH),
  scatterAddRows: (k) => k.scatterAddRows(at(0), at(3), IDS, 151, WIDTH - 1, WIDTH),
  sumRows: (k) => k.sumRows(at(0), at(3), 151, WIDTH - 1, WIDTH, 0),
  "sumRows, added": (k) => k.sumRows(at(0), at(3), 151, WIDTH - 1, WIDTH, 1),
  "maskRows, whole batches": (k) => k.maskRows(at(0), at(1), at(2), 10 * 7, 7, WIDTH),
  "maskRows, a part of one": (k) => k.maskRows(at(0), at(1), at(2), 10 * 7 + 3, 7, WIDTH),
  keepRows: (k) => k.keepRows(at(0), at(1), IDS, 201, WIDTH),
  addRows: (k) => k.addRows(at(0), at(1), 201, WIDTH),
  rowSquares: (k) => k.rowSquares(at(3), at(0), 201, WIDTH),
  rowLevels: (k) => k.rowLevels(at(3), at(4), at(0), 201, WIDTH, 0.5),
  scaleRows: (k) => k.scaleRows(at(0), at(3), 99, WIDTH, 0.1),
  placeCluster: (k) => k.placeCluster(at(0), WIDTH + 3, at(3), WIDTH, at(5), 2, 99, WIDTH - 1),
  lstmForward: (k) => k.lstmForward(at(0), at(2), at(3), at(4), at(5), ROWS, 131),
  lstmBackward: (k) => k.lstmBackward(at(0), at(2), at(3), at(4), at(5), ROWS, 131),
  // The sum that it returns is not that of a tape, where callers add up the rows.
  gruForward: (k) => k.gruForward(at(0), at(1), at(2), at(3), at(4), at(5), ROWS, 131),
  gruBackward: (k) => k.gruBackward(at(0), at(1), at(2), at(3), at(4), ROWS, 131),
  crossEntropy: (k) => void k.crossEntropy(at(0), at(2), IDS, at(3), ROWS, 1001, 1004, 0.01),
  probabilities: (k) => k.probabilities(at(0), at(2), IDS, at(3), ROWS, 1001, 1004),
  addEntropy: (k) => k.addEntropy(at(3), at(0), ROWS, 1004, 1, 0),
  scoreRows: (k) => k.scoreRows(at(3), at(0), IDS, ROWS, 1004, 1),
  attend: (k) => k.attend(at(0), at(2), at(3), at(4), IDS, COUNTS, 30, WIDTH, 28),
  attendBackward: (k) => k.attendBackward(at(0), at(1), at(3), at(2), at(4), IDS, COUNTS, 30, WIDTH, 28),
  attendKeysBackward: (k) =>
    k.attendKeysBackward(at(0), at(3), at(5), at(6), at(7), IDS, COUNTS, 30, WIDTH - 1, WIDTH, 28, 3),
  tanhArray: (k) => k.tanhArray(at(0), at(1), LONG + 3),
  tanhBackward: (k) => k.tanhBackward(at(0), at(1), LONG),
  sumSquares: (k) => k.sumSquares(at(0), LONGER),
  "sumSquares, whole blocks": (k) => k.sumSquares(at(0), 110 * 4096),
  klNatural: (k) => k.klNatural(at(0), at(1), LONG, 0.1, 50),
  klMeanField: (k) => k.klMeanField(at(0), at(1), LONG, 0.1, 0.5),
  mixtureGradient: (k) => k.mixtureGradient(at(0), at(1), LONG, 0.1, 0.25, 0.4, 0.05, 0.9),
  entropyMeanField: (k) => k.entropyMeanField(at(0), LONG),
  isFiniteArray: (k) => k.isFiniteArray(at(0), LONGER),
};

/** A call of products, in both of their forms. What is packed may be anything: all threads read the same. */
function products(name: string, call: Call): void {
  for (const form of ["float32", "int16"] as const)
    CALLS[`${name}, ${form}`] = (k) => call(kernelsOfForm(k, form));
}

for (const m of [60, 1000])
  products(`gemmPair, ${m} rows`, (k) =>
    k.gemmPair(m, 300, at(0), m, 20, at(3), at(6), 20, 33, at(4), at(8), 35, SCRATCH),
  );

/** Shapes of products: tall, thin, transposed, deep, and all of them odd. */
const PRODUCTS: [number, number, number][] = [
  [20, 1024, 256],
  [20, 256, 1024],
  [19, 517, 131],
  [3, 101, 1031],
  [1, 1021, 300],
  [701, 96, 257],
  [1031, 33, 300],
  [211, 1019, 77],
  [50, 19, 900],
];
for (const [m, n, k] of PRODUCTS)
  for (const accumulate of [0, 1])
    for (const transposed of [0, 1])
      products(
        `gemm ${m} × ${n} × ${k}${transposed ? ", transposed" : ""}${accumulate ? ", added" : ""}`,
        (e) =>
          e.gemm(
            m,
            n,
            k,
            at(0),
            transposed ? m + 1 : k + 1,
            transposed,
            at(3),
            at(6),
            n + 3,
            accumulate,
            SCRATCH,
          ),
      );
for (const [k, n] of [
  [1021, 300],
  [300, 1021],
  [7000, 45],
  [77, 3001],
]) {
  products(`packRows ${k} × ${n}`, (e) => e.packRows(at(0), at(4), k + 1, k, n));
  products(`packColumns ${k} × ${n}`, (e) => e.packColumns(at(0), at(4), n + 1, k, n));
}
