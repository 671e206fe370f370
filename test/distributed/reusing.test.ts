import { expect, it } from "vitest";
import { reusing } from "../../src/distributed/reusing.ts";
import { KernelInstance } from "../../src/kernels/instance.ts";
import { defaultKernels } from "../../src/kernels/kernels.ts";
import { MemoryPlan } from "../../src/kernels/memory.ts";
import { TRAINING } from "../../src/kernels/training.ts";
import "../../src/entries/index.ts";

it("an instance that was released is used again, with zeros in its memory", () => {
  const kernels = reusing(defaultKernels());
  const filled = (words: number) => {
    const plan = new MemoryPlan(new KernelInstance(TRAINING, kernels));
    const at = plan.words(words);
    plan.commit();
    const before = plan.floats(at, words).slice();
    plan.floats(at, words).fill(1);
    return { plan, before };
  };
  const first = filled(1000);
  const beside = filled(1000);
  expect(beside.plan.instance.memory).not.toBe(first.plan.instance.memory);
  first.plan.instance.release();
  const second = filled(100_000);
  expect(second.plan.instance.memory).toBe(first.plan.instance.memory);
  expect(second.before.every((value) => value === 0)).toBe(true);
});
