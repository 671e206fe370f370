/**
 * @module jax-js on its wasm backend, as a measured process. It has no scan: the timesteps are unrolled. Training
 * ends in plain SGD, which is to its advantage.
 */
import { init, jit, nn, numpy as np, random, tree, valueAndGrad } from "@jax-js/jax";
import { given, serve } from "../serve.ts";
import { shapeOf, type Task } from "../shapes.ts";

type Layer = { ih: np.Array; hh: np.Array; bias: np.Array };
type Weights = { embedding: np.Array; layers: Layer[]; output: np.Array; outputBias: np.Array };
type State = { h: np.Array; c: np.Array };

const task = given().task as Task;
const { vocabulary, embedding, hidden, layers, batch, sequence } = shapeOf(task);
await init();

const draw = (...shape: number[]) => random.normal(random.key(shape.length), shape).mul(0.05);
const weights: Weights = {
  embedding: draw(vocabulary, embedding),
  layers: Array.from({ length: layers }, (_, l) => ({
    ih: draw(l === 0 ? embedding : hidden, 4 * hidden),
    hh: draw(hidden, 4 * hidden),
    bias: draw(4 * hidden),
  })),
  output: draw(hidden, vocabulary),
  outputBias: draw(vocabulary),
};
const zeros = (lanes: number): State[] =>
  Array.from({ length: layers }, () => ({ h: np.zeros([lanes, hidden]), c: np.zeros([lanes, hidden]) }));

/** Functions consume their arguments, as jax-js asks; `.ref` keeps one for later. */
function cell(x: np.Array, { h, c }: State, { ih, hh, bias }: Layer): State {
  const gates = np.matmul(x, ih).add(np.matmul(h, hh)).add(bias);
  const gate = (i: number) => gates.ref.slice([], [i * hidden, (i + 1) * hidden]);
  const [i, f, g, o] = [nn.sigmoid(gate(0)), nn.sigmoid(gate(1)), np.tanh(gate(2)), nn.sigmoid(gate(3))];
  gates.dispose();
  const next = f.mul(c).add(i.mul(g));
  return { h: o.mul(np.tanh(next.ref)), c: next };
}

/** One timestep of all lanes: logits, [lanes, vocabulary], and the state after it. */
function step(w: Weights, ids: np.Array, states: State[]): { logits: np.Array; states: State[] } {
  let x = np.matmul(nn.oneHot(ids, vocabulary), w.embedding);
  const after = w.layers.map((layer, l) => {
    const state = cell(x, states[l], layer);
    x = state.h.ref;
    return state;
  });
  return { logits: np.matmul(x, w.output).add(w.outputBias), states: after };
}

function lossOf(w: Weights, ids: np.Array, expected: np.Array): np.Array {
  let states = zeros(batch);
  let total: np.Array | undefined;
  for (let t = 0; t < sequence; t++) {
    const last = t === sequence - 1;
    const result = step(last ? w : tree.ref(w), (last ? ids : ids.ref).slice(t), states);
    states = result.states;
    const hot = nn.oneHot((last ? expected : expected.ref).slice(t), vocabulary);
    const nll = nn.logSoftmax(result.logits).mul(hot).sum();
    total = total ? total.add(nll) : nll;
  }
  tree.dispose(states);
  return total!.mul(-1 / (batch * sequence));
}

function training(): () => Promise<void> {
  const update = jit((w: Weights, ids: np.Array, expected: np.Array) => {
    const [loss, gradient] = valueAndGrad(lossOf)(tree.ref(w), ids, expected);
    const next = tree.map((x: np.Array, g: np.Array) => x.sub(g.mul(0.1)), w, gradient as unknown as Weights);
    return { loss, next: next as Weights };
  });
  const ids = () =>
    np
      .array(Int32Array.from({ length: batch * sequence }, (_, i) => i % vocabulary))
      .reshape([sequence, batch]);
  const [inputs, targets] = [ids(), ids()];
  let current = weights;
  return async () => {
    const { loss, next } = update(current, inputs.ref, targets.ref);
    current = next;
    await loss.data();
  };
}

function prediction(): () => Promise<void> {
  const next = jit((w: Weights, ids: np.Array, states: State[]) => {
    const result = step(w, ids, states);
    return { p: nn.softmax(result.logits), states: result.states };
  });
  let states = zeros(1);
  const token = np.array(Int32Array.of(7 % vocabulary));
  return async () => {
    const result = next(tree.ref(weights), token.ref, states);
    states = result.states;
    await result.p.data();
  };
}

await serve("jax-js 0.1.25 wasm", task.startsWith("train") ? training() : prediction());
