/** Attention against the float64 reference, window after window: what rows attend to, and every gradient. */
import { expect, test, vi } from "vitest";
import { finish } from "../../src/kernels/tape.ts";
import { configureModel } from "../../src/model/configuration.ts";
import { layoutOf } from "../../src/model/layout.ts";
import { randomNumbers } from "../support/random.ts";
import { BOUND, type Case, compare } from "./compare.ts";
import { centralDifferences, type ReferenceWindow, reference } from "./reference.ts";
import { Rig, Worst } from "./support.ts";

// Seconds of arithmetic, on machines that may be busy.
vi.setConfig({ testTimeout: 30_000 });

test("the reference's gradient is that of central differences", () => {
  const random = randomNumbers(5);
  for (const attention of [{ span: 2 }, { span: 4, after: 3, separator: 6 }]) {
    const model = configureModel(7, { embedding: 3, hidden: 3, layers: 2, attention });
    const layout = layoutOf(model);
    const weights = Float64Array.from({ length: layout.length }, () => 1.4 * random() - 0.7);
    const state = Float64Array.from({ length: 2 * 2 * 2 * 3 + 4 + attention.span * 6 }, () => random() - 0.5);
    // One lane remembers two states of before, the other none.
    state.set([2, 0, 0, 0], 24);
    const window: ReferenceWindow = {
      inputs: Int32Array.of(1, 2, 0, 3, 6, 2, 3, 0),
      targets: Int32Array.of(2, 0, 3, 6, 2, 5, 0, 1),
      steps: 4,
      batch: 2,
      state,
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
    expect(worst.error).toBeLessThan(1e-6);
  }
});

test("loss, states and gradients at odd shapes", () => {
  const random = randomNumbers(17);
  const pick = (n: number) => Math.floor(random() * n);
  for (let i = 0; i < 40; i++) {
    const sequence = 1 + pick(9);
    const vocabulary = 4 + pick(20);
    const pairs = i % 4 === 3;
    const c: Case = {
      vocabulary,
      embedding: 1 + pick(9),
      hidden: 1 + pick(22),
      layers: 1 + (i % 2),
      tied: false,
      ...(i % 5 === 2 && { cutoffs: [2] }),
      // A source is no longer than all windows together.
      attention: pairs
        ? { span: 40, after: 2, ...(i % 8 === 3 && { separator: 1 }) }
        : { span: 1 + pick(12) },
      batch: 1 + (i % 5),
      sequence,
      dropout: i % 2 === 1,
      resets: (i >> 1) % 2 === 1,
      windows: [sequence, sequence, 1 + pick(sequence), sequence],
    };
    const { forward, gradients } = compare(c, 300 + i);
    expect(forward.error, `${forward} of ${JSON.stringify(c)}`).toBeLessThan(BOUND);
    expect(gradients.error, `${gradients} of ${JSON.stringify(c)}`).toBeLessThan(BOUND);
  }
});

const RANGES = {
  vocabulary: 11,
  embedding: 5,
  hidden: 18,
  layers: 1,
  tied: false,
  attention: { span: 4, after: 10 },
};

test("rows attend to the timesteps that a window names", () => {
  const random = randomNumbers(3);
  const [batch, steps] = [3, 7];
  const rig = new Rig(RANGES, { batch, sequence: steps });
  const { layout, plan, network } = rig;
  const weights = plan.floats(rig.theta, layout.length);
  for (const s of layout.segments)
    for (let i = 0; i < s.size; i++) weights[s.offset + i] = 1.8 * random() - 0.9;
  const draw = () => Int32Array.from({ length: batch * steps }, () => Math.floor(random() * 11));
  const [inputs, targets, from, to] = [draw(), draw(), draw(), draw()];
  for (let r = 0; r < from.length; r++) {
    const t = Math.floor(r / batch);
    from[r] %= t + 1;
    to[r] = Math.min(t, from[r] + (to[r] % 5));
  }
  const state = new Float64Array(network.stateSize);
  const expected = reference(rig.model, layout, Float64Array.from(weights), {
    inputs,
    targets,
    steps,
    batch,
    state,
    sources: { from, to },
  });
  const loss = rig.run(inputs, targets, steps, { sources: { from, to } });
  expect(Math.abs(loss - expected.loss)).toBeLessThan(BOUND);
  const worst = new Worst();
  for (const s of layout.segments)
    worst.add(
      s.name,
      rig.segment(rig.gradient, s.name),
      expected.gradient.subarray(s.offset, s.offset + s.size),
    );
  expect(worst.error).toBeLessThan(BOUND);
});

test("ranges that reach too far are refused before anything is taken", () => {
  const rig = new Rig(RANGES, { batch: 1, sequence: 7 });
  const tokens = new Int32Array(7);
  const none = new Int32Array(7);
  for (const [from, to] of [
    [0, 7],
    [-1, 0],
    [3, 2],
    [0, 5],
  ])
    expect(() =>
      rig.network.setWindow(tokens, tokens, 7, -1, { from: none.with(6, from), to: none.with(6, to) }),
    ).toThrowError(expect.objectContaining({ code: "E_OPTION", option: "attention" }));
});

test("a source that is longer than the span is an error, and so are forms of attention that there are not", () => {
  const rig = new Rig({ ...RANGES, attention: { span: 2, after: 1 } }, { batch: 1, sequence: 4 });
  const tokens = Int32Array.of(3, 4, 5, 1);
  expect(() => rig.run(tokens, tokens, 4)).toThrowError(expect.objectContaining({ code: "E_TEXT_LONG" }));
  for (const attention of ["yes", { span: 0 }, { width: 3 }, { span: 3, after: 11 }, { separator: -1 }, null])
    expect(() => configureModel(11, { attention: attention as never })).toThrowError(
      expect.objectContaining({ code: "E_OPTION" }),
    );
  expect(configureModel(11, { attention: true }).attention).toEqual({ span: 64 });
  expect("attention" in configureModel(11, { attention: false })).toBe(false);
});

test("slices: pausing between them changes no bit", () => {
  const options = {
    vocabulary: 60,
    embedding: 40,
    hidden: 150,
    layers: 1,
    tied: false,
    attention: { span: 50 },
  };
  const rig = new Rig(options, { batch: 16, sequence: 50 });
  const random = randomNumbers(6);
  const { layout, plan, network } = rig;
  const weights = plan.floats(rig.theta, layout.length);
  for (let i = 0; i < weights.length; i++) weights[i] = 0.4 * random() - 0.2;
  const tokens = Int32Array.from({ length: 800 }, () => Math.floor(random() * 60));
  rig.run(tokens, tokens, 50, { carry: false });
  const whole = plan.floats(rig.gradient, layout.length).slice();
  network.setWindow(tokens, tokens, 50);
  network.pack(rig.theta);
  network.forward(rig.theta, rig.state);
  network.loss(rig.theta, rig.gradient, () => {});
  network.backward(rig.gradient);
  let slices = 0;
  for (const _ of rig.tape.run()) slices++;
  expect(slices).toBeGreaterThan(3);
  expect(plan.floats(rig.gradient, layout.length)).toEqual(whole);
  finish(rig.tape.run());
});
