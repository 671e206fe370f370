/** Forward and backward of the whole model against the float64 reference, at every odd shape. */

import { expect, test, vi } from "vitest";
import type { SviError } from "../../src/errors.ts";
import { KernelInstance } from "../../src/kernels/instance.ts";
import { MemoryPlan } from "../../src/kernels/memory.ts";
import { finish, Tape } from "../../src/kernels/tape.ts";
import { TRAINING } from "../../src/kernels/training.ts";
import { configureModel } from "../../src/model/configuration.ts";
import { layoutOf } from "../../src/model/layout.ts";
import { Network } from "../../src/model/network.ts";
import { randomNumbers } from "../support/random.ts";
import { BOUND, type Case, compare } from "./compare.ts";
import { centralDifferences, type ReferenceWindow, reference } from "./reference.ts";
import { Rig, Worst } from "./support.ts";

// Seconds of arithmetic, on machines that may be busy.
vi.setConfig({ testTimeout: 30_000 });

test("the reference's gradient is that of central differences", () => {
  for (const [embedding, tied] of [
    [3, false],
    [3, true],
    [2, true],
    [5, true],
  ] as const) {
    const model = configureModel(7, { embedding, hidden: 3, layers: 2, tied });
    const layout = layoutOf(model);
    const random = randomNumbers(5);
    const weights = Float64Array.from({ length: layout.length }, () => 1.4 * random() - 0.7);
    const window: ReferenceWindow = {
      inputs: Int32Array.of(1, 2, 0, 3, 6, 2, 5, 0),
      targets: Int32Array.of(2, 0, 3, 6, 2, 5, 0, 1),
      steps: 4,
      batch: 2,
      state: Float64Array.from({ length: 2 * 2 * 2 * 3 }, () => random() - 0.5),
      masks: [2 * embedding, 6, 6].map((n) => Float64Array.from({ length: n }, () => 2 * random())),
      separator: 2,
    };
    const { gradient } = reference(model, layout, weights, window);
    const found = centralDifferences(model, layout, weights, window);
    const worst = new Worst();
    for (const s of layout.segments)
      worst.add(
        s.name,
        gradient.subarray(s.offset, s.offset + s.size),
        found.subarray(s.offset, s.offset + s.size),
      );
    expect(worst.error).toBeLessThan(1e-7);
  }
});

test("loss, states and gradients at odd shapes", () => {
  const random = randomNumbers(11);
  const pick = (n: number) => Math.floor(random() * n);
  let worst = { forward: new Worst(), gradients: new Worst() };
  for (let i = 0; i < 96; i++) {
    const tied = i % 3 === 0;
    const hidden = 1 + 2 * pick(4);
    const sequence = 1 + pick(9);
    const c: Case = {
      vocabulary: 2 + pick(23),
      embedding: tied && i % 2 === 0 ? hidden : 1 + pick(9),
      hidden,
      layers: 1 + (i % 4),
      tied,
      batch: 1 + (i % 5),
      sequence,
      dropout: i % 2 === 1,
      resets: (i >> 1) % 2 === 1,
      windows: [sequence, sequence, 1 + pick(sequence)],
    };
    const { forward, gradients } = compare(c, 100 + i);
    expect(forward.error, `${forward} of ${JSON.stringify(c)}`).toBeLessThan(BOUND);
    expect(gradients.error, `${gradients} of ${JSON.stringify(c)}`).toBeLessThan(BOUND);
    if (gradients.error > worst.gradients.error) worst = { forward, gradients };
  }
  console.log(`odd shapes: forward ${worst.forward}, gradients ${worst.gradients}`);
});

test.each([
  // 2^20 floats of logits hold 26 rows of 40,000: 65 rows take three chunks, the last one short.
  { tied: false, dropout: false, resets: false },
  { tied: true, dropout: false, resets: false },
  { tied: true, embedding: 3, hidden: 7, dropout: false, resets: false },
  { tied: false, dropout: true, resets: true },
])("logits in chunks %o", (options) => {
  const c: Case = {
    vocabulary: 40001,
    embedding: 4,
    hidden: 4,
    layers: 1,
    batch: 5,
    sequence: 13,
    windows: [13, 4],
    ...options,
  };
  const { forward, gradients } = compare(c, 3);
  console.log(`chunks: forward ${forward}, gradients ${gradients}`);
  expect(forward.error).toBeLessThan(BOUND);
  expect(gradients.error).toBeLessThan(BOUND);
});

test("shapes beyond one register tile and one slice", () => {
  const large = { vocabulary: 131, embedding: 37, layers: 2, batch: 9, sequence: 21, windows: [21, 5] };
  for (const dropout of [false, true])
    for (const tied of [false, true]) {
      const { forward, gradients } = compare({ ...large, tied, hidden: 45, dropout, resets: dropout }, 8);
      expect(forward.error).toBeLessThan(BOUND);
      expect(gradients.error).toBeLessThan(BOUND);
    }
});

test("layers of which a single timestep is more than a slice", () => {
  const shape = { vocabulary: 7, embedding: 3, hidden: 420, layers: 1, tied: false };
  for (const resets of [false, true]) {
    const { forward, gradients } = compare(
      { ...shape, batch: 72, sequence: 2, windows: [2], dropout: false, resets },
      9,
    );
    expect(forward.error).toBeLessThan(BOUND);
    expect(gradients.error).toBeLessThan(BOUND);
  }
});

test("probabilities of a forward-only network, chunk by chunk", () => {
  const model = configureModel(40001, { embedding: 3, hidden: 5, layers: 2 });
  const layout = layoutOf(model);
  const plan = new MemoryPlan(new KernelInstance(TRAINING));
  const tape = new Tape(plan.instance);
  const network = new Network(tape, plan, model, layout, { batch: 3, sequence: 11, training: false });
  const theta = plan.words(layout.length);
  const state = plan.words(network.stateSize);
  plan.commit();
  const random = randomNumbers(4);
  const weights = plan.floats(theta, layout.length);
  for (let i = 0; i < weights.length; i++) weights[i] = random() - 0.5;
  const tokens = () => Int32Array.from({ length: 33 }, () => Math.floor(random() * 40001));
  const [inputs, targets] = [tokens(), tokens()];
  const expected = reference(model, layout, Float64Array.from(weights), {
    inputs,
    targets,
    steps: 11,
    batch: 3,
    state: new Float64Array(network.stateSize),
  });
  network.setWindow(inputs, targets, 11);
  network.pack(theta);
  network.forward(theta, state);
  const { logits, logitStride, nll, chunkRows } = network.buffers;
  expect(chunkRows).toBeLessThan(33);
  let seen = 0;
  network.probabilities(theta, (chunk) => {
    expect(chunk.row).toBe(seen);
    for (let r = 0; r < chunk.rows; r++) {
      const from = (chunk.row + r) * 40001;
      const worst = new Worst();
      worst.add(
        "row",
        plan.floats(logits + 4 * r * logitStride, 40001),
        expected.probabilities.subarray(from, from + 40001),
      );
      expect(worst.error).toBeLessThan(2e-6);
    }
    seen += chunk.rows;
  });
  finish(tape.run());
  expect(seen).toBe(33);
  const worst = new Worst();
  worst.add("nll", plan.floats(nll, 33), expected.nll);
  expect(worst.error).toBeLessThan(1e-6);
});

test("a token id never reaches a kernel unchecked, and the window after it is whole", () => {
  const rig = new Rig(
    { vocabulary: 5, embedding: 3, hidden: 3, layers: 1, tied: false },
    { batch: 1, sequence: 3 },
  );
  const good = Int32Array.of(0, 4, 2);
  for (const bad of [5, -1, -2, 2 ** 31 - 1, -(2 ** 31)]) {
    const ids = Int32Array.of(0, bad, 1);
    // A target of -1 is one that is not scored.
    for (const window of bad === -1
      ? [[ids, good]]
      : [
          [ids, good],
          [good, ids],
        ])
      expect(() => rig.network.setWindow(window[0], window[1], 3)).toThrowError(
        expect.objectContaining({ code: "E_TOKEN_RANGE", value: bad }) as SviError,
      );
    // What lies beyond the window's steps is not read.
    rig.network.setWindow(ids, good, 1);
  }
  expect(rig.run(good, good, 3)).toBeCloseTo(Math.log(5), 6);
});

test("slices: pausing between them changes no bit", () => {
  const options = { vocabulary: 300, embedding: 40, hidden: 120, layers: 2, tied: false };
  const rig = new Rig(options, { batch: 16, sequence: 20 });
  const random = randomNumbers(6);
  const { layout, plan, network } = rig;
  const weights = plan.floats(rig.theta, layout.length);
  for (const s of layout.segments)
    for (let i = 0; i < s.size; i++) weights[s.offset + i] = 0.4 * random() - 0.2;
  const tokens = Int32Array.from({ length: 320 }, () => Math.floor(random() * 300));
  rig.run(tokens, tokens, 20, { carry: false });
  const whole = plan.floats(rig.gradient, layout.length).slice();
  network.setWindow(tokens, tokens, 20);
  let slices = 0;
  let views = 0;
  network.pack(rig.theta);
  network.forward(rig.theta, rig.state);
  network.loss(rig.theta, rig.gradient, () => {});
  network.backward(rig.gradient);
  for (const _ of rig.tape.run()) {
    slices++;
    views += plan.floats(rig.theta, 1)[0];
  }
  expect(slices).toBeGreaterThan(3);
  expect(views).not.toBeNaN();
  expect(plan.floats(rig.gradient, layout.length).every((x, i) => x === whole[i])).toBe(true);
});
