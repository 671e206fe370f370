/** Every kernel that is cut, against the same call on one thread: all of memory must be the same afterwards. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { simdThreadsText } from "../../src/kernels/generated/simdThreads.ts";
import { defaultKernels, type Instantiated } from "../../src/kernels/kernels.ts";
import { bytesOfText } from "../../src/kernels/printable.ts";
import { createWorker } from "../../src/kernels/threads/host.ts";
import { instantiateOwn, share } from "../../src/kernels/threads/instance.ts";
import { ThreadPool } from "../../src/kernels/threads/pool.ts";
import { TRAINING } from "../../src/kernels/training.ts";
import { CALLS, END, MEBIBYTE, onTape, outcome, SCRATCH } from "../kernels/calls.ts";
import { loosely } from "../kernels/forms.ts";

vi.setConfig({ testTimeout: 60_000 });

const module = new WebAssembly.Module(bytesOfText(simdThreadsText));
let pools: ThreadPool[];
let one: Instantiated;
let several: Instantiated[];
beforeAll(async () => {
  one = defaultKernels().instantiate(TRAINING);
  pools = await Promise.all([2, 3, 5].map((count) => ThreadPool.start(count, module, createWorker)));
  several = pools.map((pool) => share(pool, module, instantiateOwn(module)));
  for (const { memory } of [one, ...several]) memory.grow(END / 65536 - memory.buffer.byteLength / 65536);
});
afterAll(() => Promise.all(pools.map((pool) => pool.dispose())));

/** Work for all until a thread has done its part of it: then it is awake. */
function wake(pool: ThreadPool, instance: Instantiated): void {
  const { helped } = pool;
  const k = onTape(instance);
  for (let tries = 0; tries < 1000 && pool.helped === helped; tries++) k.fillZero(SCRATCH, MEBIBYTE);
}

describe.each(Object.entries(CALLS))("%s", (_name, call) => {
  test("has the same bits on 2, 3 and 5 threads as on one", async () => {
    const expected = outcome(one, loosely(one.exports), call);
    for (const [i, pool] of pools.entries()) {
      let helped = false;
      // Parts that no thread has begun are the coordinator's: again until one was a thread's.
      for (let round = 0; round < 200 && !helped; round++) {
        let before = 0;
        const found = outcome(several[i], onTape(several[i]), call, () => {
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
