/** Forward pass, gradients and ten updates of every optimiser against PyTorch in float64; see README.md. */
import { expect, test } from "vitest";
import { BbbGuide } from "../../src/inference/bbb.ts";
import type { Guide, GuideContext } from "../../src/inference/guide.ts";
import { IvonGuide } from "../../src/inference/ivon/guide.ts";
import { guideOf as createGuide } from "../../src/inference/methods.ts";
import { adam, adamw, bbb, gaussianPrior, ivon, scaleMixturePrior, sgd } from "../../src/inference/public.ts";
import type { MemoryPlan } from "../../src/kernels/memory.ts";
import { STREAM, seedOf } from "../../src/kernels/random.ts";
import { finish } from "../../src/kernels/tape.ts";
import type { Layout } from "../../src/model/layout.ts";
import { Rig, relativeError, Worst } from "../model/support.ts";
import { group, loadOracle, type OracleDump } from "./load.ts";

const GRADIENTS = 1e-5;
const STEPS = 1e-5;

function shapeOf({ metadata }: OracleDump) {
  const number = (name: string) => Number(metadata[name]);
  return {
    model: {
      vocabulary: number("vocabulary"),
      embedding: number("embedding"),
      hidden: number("hidden"),
      layers: number("layers"),
      tied: metadata.tied === "true",
      ...(metadata.cell && { cell: JSON.parse(metadata.cell) as "gru" }),
      ...(metadata.span && {
        attention: { span: number("span"), ...(metadata.ranges && { after: 0, separator: 1 }) },
      }),
      ...(metadata.cutoffs && ({ softmax: "adaptive", cutoffs: JSON.parse(metadata.cutoffs) } as const)),
    },
    batch: number("batch"),
    sequence: number("sequence"),
  };
}

const tokensOf = (dump: OracleDump, name: string) => dump.tensors.get(name)!.data as Int32Array;
const numbersOf = (dump: OracleDump, name: string) => dump.tensors.get(name)!.data;

/** Writes tensors of the dump into a flat vector; a tensor of one element fills its segment. */
function fill(rig: Rig<unknown>, flat: number, dump: OracleDump, prefix: string): void {
  for (const [name, { data }] of group(dump, prefix)) {
    const segment = rig.segment(flat, name);
    if (data.length === 1) segment.fill(data[0]);
    else segment.set(data);
  }
}

/** Without what attention remembers. */
function recurrentSize({ network: { model, shape } }: Rig<unknown>): number {
  return (model.cell === "gru" ? 1 : 2) * model.layers * shape.batch * model.hidden;
}

/** The carried state is [layers][h, c][batch, hidden], the dump's two tensors [layers, batch, hidden]. */
function stateOf(rig: Rig<unknown>): { h: Float32Array; c: Float32Array } {
  const { model } = rig.network;
  const stateSize = recurrentSize(rig);
  const state = rig.plan.floats(rig.state, stateSize);
  const part = stateSize / (2 * model.layers);
  const pick = (odd: number) =>
    Float32Array.from(
      { length: stateSize / 2 },
      (_, i) => state[(2 * Math.floor(i / part) + odd) * part + (i % part)],
    );
  return { h: pick(0), c: pick(1) };
}

function setState(rig: Rig<unknown>, h: ArrayLike<number>, c: ArrayLike<number>): void {
  const { model } = rig.network;
  const stateSize = recurrentSize(rig);
  const state = rig.plan.floats(rig.state, stateSize);
  const part = stateSize / (2 * model.layers);
  for (let i = 0; i < stateSize / 2; i++) {
    const at = 2 * Math.floor(i / part) * part + (i % part);
    state[at] = h[i];
    state[at + part] = c[i];
  }
}

test("the segments lie where the oracle says", () => {
  for (const name of [
    "model-tied",
    "model-projection",
    "model-deep",
    "model-adaptive",
    "model-attention",
    "sgd",
  ]) {
    const dump = loadOracle(name);
    const { model, batch, sequence } = shapeOf(dump);
    const { layout } = new Rig(model, { batch, sequence });
    const offsets = Object.fromEntries(layout.segments.map((s) => [s.name, s.offset]));
    expect(offsets).toEqual(JSON.parse(dump.metadata.offsets));
    expect(layout.length).toBe(Number(dump.metadata.length));
    for (const [tensor, { shape }] of group(dump, "parameters"))
      expect(layout.find(tensor).shape).toEqual(shape);
  }
});

test.each([
  "model-tiny",
  "model-two-layers",
  "model-tied",
  "model-deep",
  "model-larger",
  "model-adaptive",
  "model-gru",
  "model-gru-two-layers",
  "model-projection",
  "model-projection-gru",
  "model-attention",
  "model-attention-ranges",
  "model-attention-adaptive",
])("%s", (name) => {
  const dump = loadOracle(name);
  const { model, batch, sequence } = shapeOf(dump);
  const rig = new Rig(model, { batch, sequence });
  fill(rig, rig.theta, dump, "parameters");
  const { network, plan } = rig;
  // A GRU's state is its outputs alone.
  if (model.cell === "gru") plan.floats(rig.state, recurrentSize(rig)).set(numbersOf(dump, "initial/h"));
  else setState(rig, numbersOf(dump, "initial/h"), numbersOf(dump, "initial/c"));

  // Forward alone first: `loss` without a gradient leaves the logits' place to the probabilities.
  const sources = dump.tensors.has("from")
    ? { from: tokensOf(dump, "from"), to: tokensOf(dump, "to") }
    : undefined;
  network.setWindow(tokensOf(dump, "inputs"), tokensOf(dump, "targets"), sequence, -1, sources);
  network.pack(rig.theta);
  network.forward(rig.theta, rig.state);
  const forward = new Worst();
  const logits = dump.tensors.get("logits");
  if (logits) {
    const { vocabulary } = model;
    network.probabilities(rig.theta, (chunk) => {
      const { logitStride, logits: at } = network.buffers;
      for (let r = 0; r < chunk.rows; r++) {
        const row = Array.from(
          logits.data.subarray((chunk.row + r) * vocabulary, (chunk.row + r + 1) * vocabulary),
        );
        const sum = row.reduce((total, x) => total + Math.exp(x), 0);
        const expected = row.map((x) => Math.exp(x) / sum);
        forward.add("probabilities", plan.floats(at + 4 * r * logitStride, vocabulary), expected);
      }
    });
    finish(rig.tape.run());
    forward.add(
      "nll of probabilities",
      plan.floats(network.buffers.nll, sequence * batch),
      numbersOf(dump, "nll"),
    );
  }

  const loss = rig.run(tokensOf(dump, "inputs"), tokensOf(dump, "targets"), sequence, { sources });
  forward.add("loss", [loss], numbersOf(dump, "loss"));
  forward.add("nll", plan.floats(network.buffers.nll, sequence * batch), numbersOf(dump, "nll"));
  if (model.cell === "gru")
    forward.add("final/h", plan.floats(rig.state, recurrentSize(rig)), numbersOf(dump, "final/h"));
  else {
    const { h, c } = stateOf(rig);
    forward.add("final/h", h, numbersOf(dump, "final/h"));
    forward.add("final/c", c, numbersOf(dump, "final/c"));
  }
  const gradients = new Worst();
  for (const [tensor, { data }] of group(dump, "gradients")) {
    expect(data.some((x) => x !== 0)).toBe(true);
    gradients.add(tensor, rig.segment(rig.gradient, tensor), data);
  }
  console.log(`${name}: forward ${forward}, gradients ${gradients}`);
  expect(forward.error).toBeLessThan(GRADIENTS);
  expect(gradients.error).toBeLessThan(GRADIENTS);
});

/** The guide of a dump, with the constants of its metadata. */
function guideOf({ metadata }: OracleDump, plan: MemoryPlan, layout: Layout): Guide {
  const number = (name: string) => Number(metadata[name]);
  const clip = metadata.clip ? number("clip") : Number.POSITIVE_INFINITY;
  const context: GuideContext = {
    plan,
    layout,
    seed: seedOf(metadata.seed ? number("seed") : 1),
    steps: 10,
    lambda: number("lambda"),
  };
  const betas = { beta1: number("beta1"), beta2: number("beta2"), epsilon: number("epsilon") };
  switch (metadata.optimiser) {
    case "sgd":
      return createGuide(context, sgd({ momentum: number("momentum"), clip }));
    case "adam":
      return createGuide(context, adam({ ...betas, clip }));
    case "adamw":
      return createGuide(context, adamw({ ...betas, clip, weightDecay: number("weightDecay") }));
    case "bayes-by-backprop": {
      const prior =
        metadata.prior === "gaussian"
          ? gaussianPrior(number("priorSd"))
          : scaleMixturePrior(number("pi"), number("sd1"), number("sd2"));
      return new BbbGuide(context, bbb({ ...betas, prior, clip }));
    }
    default:
      return new IvonGuide(
        context,
        ivon({
          beta1: betas.beta1,
          beta2: betas.beta2,
          clip,
          h0: number("meanH0"),
          prior: gaussianPrior(number("priorSd")),
          particles: metadata.particles ? number("particles") : 1,
          noise: metadata.noise !== "false",
          embeddingDecay: 0,
          probe: 0,
          noiseRamp: metadata.noise === "false" ? null : 0,
          clamp: Number.POSITIVE_INFINITY,
        }),
      );
  }
}

/** Compares parameters and the guide's arrays with those of the dump after an update. */
function compare(
  rig: Rig<unknown>,
  dump: OracleDump,
  step: number,
  addresses: Record<string, number>,
): Worst {
  const worst = new Worst();
  for (const [kind, address] of Object.entries(addresses))
    for (const [name, { data }] of group(dump, `step${step}/${kind}`))
      worst.add(`${kind}/${name}`, rig.segment(address, name), data);
  return worst;
}

const KINDS: Record<string, string> = { firstMoment: "firstMoment", secondMoment: "secondMoment" };

test.each([
  "sgd",
  "sgd-clip",
  "adam",
  "adam-clip",
  "adamw",
  "adamw-clip",
  "bbb-gaussian",
  "bbb-mixture",
  "ivon",
  "ivon-clip",
  "ivon-particles",
  "ivon-noiseless",
])("ten updates: %s", (name) => {
  const dump = loadOracle(name);
  const { model, batch, sequence } = shapeOf(dump);
  const rig = new Rig(model, { batch, sequence }, (plan, layout) => guideOf(dump, plan, layout));
  const { network, layout, plan, more: guide } = rig;
  fill(rig, rig.theta, dump, "parameters");
  finish(guide.start(plan.floats(rig.theta, layout.length).slice(), null));
  const addresses: Record<string, number> = { parameters: guide.mean };
  for (const [name, { byteOffset }] of guide.state.arrays()) addresses[KINDS[name] ?? name] = byteOffset;
  if (addresses.rho) fill(rig, addresses.rho, dump, "rho");
  if (addresses.hessian) fill(rig, addresses.hessian, dump, "hessian");

  const learningRate = Number(dump.metadata.lr);
  const size = batch * sequence;
  const losses: number[] = [];
  const norms: number[] = [];
  const kls: number[] = [];
  const states = new Worst();
  const worst: Worst[] = [];
  for (let step = 0; step < 10; step++) {
    const position = { step, learningRate, tokens: size };
    const window = [step * size, (step + 1) * size] as const;
    let loss = 0;
    for (let particle = 0; particle < guide.particles; particle++) {
      finish(guide.draw(position, particle));
      const { theta, gradient } = guide;
      const inputs = tokensOf(dump, "inputs").subarray(...window);
      const targets = tokensOf(dump, "targets").subarray(...window);
      loss += rig.run(inputs, targets, sequence, { theta, gradient, carry: false }) / guide.particles;
      finish(guide.gather(position, particle));
    }
    losses.push(loss);
    kls.push(finish(guide.kl()));
    norms.push(finish(guide.update(position)).gradientNorm);
    network.saveState(rig.state);
    finish(rig.tape.run());
    const { h, c } = stateOf(rig);
    states.add(
      `h after ${step}`,
      h,
      numbersOf(dump, "states/h").subarray((step + 1) * h.length, (step + 2) * h.length),
    );
    states.add(
      `c after ${step}`,
      c,
      numbersOf(dump, "states/c").subarray((step + 1) * c.length, (step + 2) * c.length),
    );
    if (step === 0 || step === 9) worst.push(compare(rig, dump, step + 1, addresses));
  }
  const [first, last] = worst;
  const records = new Worst();
  records.add("losses", losses, numbersOf(dump, "losses"));
  records.add("gradientNorms", norms, numbersOf(dump, "gradientNorms"));
  if (dump.tensors.has("kl")) records.add("kl", kls, numbersOf(dump, "kl"));
  console.log(`${name}: step 1 ${first}, step 10 ${last}, records ${records}, states ${states}`);
  expect(first.name).not.toBe("");
  expect(first.error).toBeLessThan(STEPS);
  expect(last.error).toBeLessThan(STEPS);
  expect(records.error).toBeLessThan(STEPS);
  expect(states.error).toBeLessThan(STEPS);
  // The mixture's pull acts on the noise in the gaps too, which nothing reads.
  if (name === "bbb-mixture") return;
  for (const s of layout.segments)
    for (const padding of plan.floats(guide.mean + 4 * (s.offset + s.size), -s.size & 15))
      expect(padding).toBe(0);
});

test("ten updates: ivon-clamp, the oracle's deviations given to the kernel", () => {
  const dump = loadOracle("ivon-clamp");
  const { model, batch, sequence } = shapeOf(dump);
  const rig = new Rig(model, { batch, sequence }, (plan, layout) => ({
    parameters: plan.words(layout.length),
    hessian: plan.words(layout.length),
    momentum: plan.words(layout.length),
  }));
  const { parameters: mean, hessian, momentum } = rig.more;
  fill(rig, mean, dump, "parameters");
  fill(rig, hessian, dump, "hessian");
  const { metadata } = dump;
  const number = (name: string) => Number(metadata[name]);
  const [lambda, delta, beta1] = [number("lambda"), number("delta"), number("beta1")];
  const { low, high } = seedOf(number("seed"));
  const deviations = group(dump, "gradientDeviation");
  const size = batch * sequence;
  let power = 1;
  for (let step = 0; step < 10; step++) {
    for (const s of rig.layout.segments) {
      const at = 4 * s.offset;
      if (s.bias) rig.k.copyBytes(rig.theta + at, mean + at, 4 * s.size);
      else
        rig.k.sampleNatural(
          rig.theta + at,
          mean + at,
          hessian + at,
          s.size,
          delta,
          1 / Math.sqrt(lambda),
          s.offset,
          low,
          high,
          step,
          STREAM.weights,
          0,
        );
    }
    const window = [step * size, (step + 1) * size] as const;
    rig.run(
      tokensOf(dump, "inputs").subarray(...window),
      tokensOf(dump, "targets").subarray(...window),
      sequence,
    );
    let squares = 0;
    for (const s of rig.layout.segments) squares += rig.k.sumSquares(rig.gradient + 4 * s.offset, s.size);
    power *= beta1;
    let clamped = 0;
    for (const s of rig.layout.segments) {
      const at = 4 * s.offset;
      const deviation = s.bias ? Number.POSITIVE_INFINITY : deviations.get(s.name)!.data[0];
      if (!s.bias) clamped += outliers(rig, s.name, mean, hessian, 4 * deviation, lambda, delta);
      rig.k.ivonStep(
        mean + at,
        hessian + at,
        momentum + at,
        rig.theta + at,
        rig.gradient + at,
        0,
        s.size,
        number("lr") * (number("meanH0") + delta),
        beta1,
        1 / (1 - power),
        Math.min(1, number("clip") / Math.sqrt(squares)),
        s.bias ? 0 : 1 - number("beta2"),
        s.bias ? 0 : lambda,
        0,
        4 * deviation * Math.sqrt(lambda),
        delta,
        s.bias ? 0 : delta,
        Number.POSITIVE_INFINITY,
      );
    }
    expect(clamped).toBe(numbersOf(dump, "clampedElements")[step]);
    if (step !== 0 && step !== 9) continue;
    const worst = compare(rig, dump, step + 1, rig.more);
    console.log(`ivon-clamp: step ${step + 1} ${worst}`);
    expect(worst.error).toBeLessThan(STEPS);
  }
});

/** Elements whose estimate of the Hessian the clamp changes. */
function outliers(
  rig: Rig<unknown>,
  name: string,
  mean: number,
  hessian: number,
  bound: number,
  lambda: number,
  delta: number,
): number {
  const [theta, m, g, h] = [rig.theta, mean, rig.gradient, hessian].map((flat) => rig.segment(flat, name));
  let count = 0;
  for (let i = 0; i < m.length; i++)
    if (
      Math.abs(lambda * (h[i] + delta) * (theta[i] - m[i]) * g[i]) >
      bound * Math.sqrt(lambda * (h[i] + delta))
    )
      count++;
  return count;
}

test.each(["bbb-gaussian", "ivon", "ivon-particles"])("%s draws the oracle's noise", (name) => {
  const dump = loadOracle(name);
  const { model, batch, sequence } = shapeOf(dump);
  const rig = new Rig(model, { batch, sequence }, (plan, layout) => guideOf(dump, plan, layout));
  const guide = rig.more;
  finish(guide.start(new Float32Array(rig.layout.length), null));
  const spread = new Float32Array(rig.layout.length);
  finish(guide.precision(spread));
  for (let particle = 0; particle < guide.particles; particle++) {
    finish(guide.draw({ step: 0, learningRate: 1, tokens: 1 }, particle));
    const noise = numbersOf(dump, `noise/particle${particle}`);
    for (const s of rig.layout.segments) {
      if (s.bias) continue;
      const found = rig.segment(guide.theta, s.name).map((x, i) => x * Math.sqrt(spread[s.offset + i]));
      expect(relativeError(found, noise.subarray(s.offset, s.offset + s.size))).toBeLessThan(1e-6);
    }
  }
});
