/** Every kernel that is split, against the same call on one thread: all of memory must be the same afterwards. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { kernelsOfForm } from "../../src/kernels/forms.ts";
import type { KernelExports } from "../../src/kernels/generated/signatures.ts";
import { simdThreadsText } from "../../src/kernels/generated/simdThreads.ts";
import { bytesOfHex } from "../../src/kernels/hex.ts";
import { defaultKernels, type Instantiated } from "../../src/kernels/kernels.ts";
import { createWorker } from "../../src/kernels/threads/host.ts";
import { instantiateOwn, share } from "../../src/kernels/threads/instance.ts";
import { ThreadPool } from "../../src/kernels/threads/pool.ts";
import { randomNumbers } from "../model/reference.ts";

vi.setConfig({ testTimeout: 60_000 });

const MEBIBYTE = 2 ** 20;
const END = 44 * MEBIBYTE;
/** Room for the scratch of all threads, which is not compared. */
const SCRATCH = MEBIBYTE;
const FIRST = 4 * MEBIBYTE;
/** Arrays a mebibyte and a half apart, all of positive numbers of a size that every kernel can do with. */
const at = (n: number) => FIRST + n * 1.5 * MEBIBYTE;
const IDS = at(12);

const module = new WebAssembly.Module(bytesOfHex(simdThreadsText));
const random = randomNumbers(7);
const contents = new Float32Array((END - FIRST) / 4).map(() => random() + 0.01);
for (let i = 0; i < 1000; i++)
  new Int32Array(contents.buffer)[(IDS - FIRST) / 4 + i] = i % 5 ? Math.floor(random() * 90) : 0;

let pools: ThreadPool[];
let one: Instantiated;
let several: Instantiated[];
beforeAll(async () => {
  one = defaultKernels().instantiate();
  pools = await Promise.all([2, 3, 5].map((count) => ThreadPool.start(count, module, createWorker)));
  several = pools.map((pool) => share(pool, module, instantiateOwn(module)));
  for (const { memory } of [one, ...several]) memory.grow(END / 65536 - memory.buffer.byteLength / 65536);
});
afterAll(() => Promise.all(pools.map((pool) => pool.dispose())));

/** What a call returns and leaves in memory; `before` happens once the memory is filled. */
function outcome({ exports, memory }: Instantiated, call: Call, before = () => {}) {
  new Float32Array(memory.buffer, FIRST).set(contents);
  before();
  const value = call(exports);
  return { value, bytes: Buffer.from(new Uint8Array(memory.buffer, FIRST, 20 * MEBIBYTE).slice()) };
}

/** Work for all until a thread has done its part of it: then it is awake. */
function wake(pool: ThreadPool, { exports }: Instantiated): void {
  const { helped } = pool;
  for (let tries = 0; tries < 1000 && pool.helped === helped; tries++) exports.fillZero(SCRATCH, MEBIBYTE);
}

type Call = (k: KernelExports) => unknown;

const ROWS = 37;
const WIDTH = 1030;
const LONG = 200_001;

const CALLS: Record<string, Call> = {
  sampleNatural: (k) => k.sampleNatural(at(0), at(1), at(2), LONG, 0.5, 0.3, 4800, 1, 2, 3, 0, 1),
  sampleMeanField: (k) => k.sampleMeanField(at(0), at(1), at(2), LONG, 0.5, 4800, 1, 2, 3, 0, 1),
  precisionArray: (k) => k.precisionArray(at(0), at(1), LONG, 0.1, 3),
  deviationArray: (k) => k.deviationArray(at(0), at(1), LONG),
  axpby: (k) => k.axpby(at(0), 0.3, at(1), 0.7, LONG),
  averageInto: (k) => k.averageInto(at(0), at(1), LONG, 0.3),
  meanFieldGradient: (k) => k.meanFieldGradient(at(0), at(1), at(2), at(3), at(4), LONG, 0.1, 0, 0.5, 0.9),
  meanFieldFinish: (k) => k.meanFieldFinish(at(0), at(1), at(2), at(3), LONG, 0.1, 0, 0.5, 0.9),
  meanFieldAccumulate: (k) => k.meanFieldAccumulate(at(0), at(1), at(2), at(3), at(4), at(5), LONG, 0.5, 0),
  sgdStep: (k) => k.sgdStep(at(0), at(1), at(2), LONG, 0.1, 0.9, 0.5, 0.01),
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
  scatterAddRows: (k) => k.scatterAddRows(at(0), at(3), IDS, 151, WIDTH),
  sumRows: (k) => k.sumRows(at(0), at(3), 151, WIDTH - 1, WIDTH, 0),
  "sumRows, added": (k) => k.sumRows(at(0), at(3), 151, WIDTH - 1, WIDTH, 1),
  "maskRows, whole batches": (k) => k.maskRows(at(0), at(1), at(2), 10 * 7, 7, WIDTH),
  "maskRows, a part of one": (k) => k.maskRows(at(0), at(1), at(2), 10 * 7 + 3, 7, WIDTH),
  keepRows: (k) => k.keepRows(at(0), at(1), IDS, 201, WIDTH),
  lstmForward: (k) => k.lstmForward(at(0), at(2), at(3), at(4), at(5), ROWS, 131),
  lstmBackward: (k) => k.lstmBackward(at(0), at(2), at(3), at(4), at(5), ROWS, 131),
  crossEntropy: (k) => k.crossEntropy(at(0), at(2), IDS, at(3), ROWS, 1001, 1004, 0.01),
  probabilities: (k) => k.probabilities(at(0), at(2), IDS, at(3), ROWS, 1001, 1004),
  addEntropy: (k) => k.addEntropy(at(3), at(0), ROWS, 1004, 1, 0),
  scoreRows: (k) => k.scoreRows(at(3), at(0), IDS, ROWS, 1004, 1),
  sumSquares: (k) => k.sumSquares(at(0), LONG),
  "sumSquares, whole blocks": (k) => k.sumSquares(at(0), 40 * 4096),
  "sumSquares, more blocks than a round has": (k) => k.sumSquares(FIRST, 2049 * 4096 + 5),
  klNatural: (k) => k.klNatural(at(0), at(1), LONG, 0.1, 50),
  klMeanField: (k) => k.klMeanField(at(0), at(1), LONG, 0.1, 0.5),
  mixtureGradient: (k) => k.mixtureGradient(at(0), at(1), LONG, 0.1, 0.25, 0.4, 0.05, 0.9),
  entropyMeanField: (k) => k.entropyMeanField(at(0), LONG),
  isFiniteArray: (k) => k.isFiniteArray(at(0), LONG),
  maxAbs: (k) => k.maxAbs(at(0), LONG),
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

/**
 * A layer over several steps, each array's part of 5 × 9 lanes: split by lanes where they come out even, else step
 * by step. Weights so small that no gate saturates.
 */
for (const hidden of [101, 515])
  for (const resets of [false, true]) {
    const packed = at(14);
    const small = (k: KernelExports) => k.axpby(packed, 0.01, packed, 0, 4 * hidden * (hidden + 8));
    const named = `hidden ${hidden}${resets ? ", lanes reset" : ""}`;
    products(`recurrentForward, ${named}`, (k) => {
      small(k);
      const [h, c] = resets ? [at(7), at(8)] : [at(1), at(2)];
      const keep = resets ? IDS : 0;
      k.recurrentForward(
        at(0),
        at(4),
        at(1),
        at(2),
        h,
        c,
        IDS,
        at(5),
        keep,
        packed,
        9,
        9,
        5,
        hidden,
        SCRATCH,
      );
    });
    products(`recurrentBackward, ${named}`, (k) => {
      small(k);
      const keep = resets ? IDS : 0;
      k.recurrentBackward(
        at(0),
        at(1),
        at(2),
        at(4),
        at(6),
        at(7),
        keep,
        packed,
        9,
        9,
        5,
        hidden,
        0,
        SCRATCH,
      );
    });
  }

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
for (const [n, k] of [
  [1021, 300],
  [509, 1024],
])
  CALLS[`gemv ${n} × ${k}`] = (e) => e.gemv(n, k, at(0), at(3), at(6), 1);
for (const [k, n] of [
  [1021, 300],
  [300, 1021],
  [7000, 45],
  [77, 3001],
]) {
  products(`packRows ${k} × ${n}`, (e) => e.packRows(at(0), at(4), k + 1, k, n));
  products(`packColumns ${k} × ${n}`, (e) => e.packColumns(at(0), at(4), n + 1, k, n));
}

describe.each(Object.entries(CALLS))("%s", (_name, call) => {
  test("has the same bits on 2, 3 and 5 threads as on one", async () => {
    const expected = outcome(one, call);
    for (const [i, pool] of pools.entries()) {
      let helped = false;
      // Parts that no thread has begun are the coordinator's: again until one was a thread's.
      for (let round = 0; round < 200 && !helped; round++) {
        let before = 0;
        const found = outcome(several[i], call, () => {
          wake(pool, several[i]);
          before = pool.helped;
        });
        helped = pool.helped > before;
        expect(found.value).toBe(expected.value);
        expect(found.bytes.equals(expected.bytes)).toBe(true);
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      expect(helped).toBe(true);
    }
  });
});
