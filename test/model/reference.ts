/** The language model in plain float64 loops: what src/model must agree with. Formulas: Hochreiter and Schmidhuber's
 * LSTM with forget gates, PyTorch's gate order i, f, g, o, both biases. */
import type { ModelConfiguration } from "../../src/model/configuration.ts";
import type { Layout } from "../../src/model/layout.ts";

export interface ReferenceWindow {
  /** Time-major, [steps·batch]. */
  inputs: Int32Array;
  targets: Int32Array;
  steps: number;
  batch: number;
  /** [layers][h, c][batch, hidden]; with attention then counts, [2, batch], and remembered states, [span, batch, hidden]. */
  state: ArrayLike<number>;
  /** Timesteps that each row attends to; those of before where omitted. */
  sources?: { from: ArrayLike<number>; to: ArrayLike<number> };
  /** Factors over the inputs of every layer, [batch, width], then over the last one's outputs, [batch, hidden]. */
  masks?: ArrayLike<number>[];
  /** Lanes whose input is this id start from a state of zeros. */
  separator?: number;
}

export interface ReferenceResult {
  /** Mean negative log-likelihood. */
  loss: number;
  nll: Float64Array;
  /** [steps·batch, vocabulary]. */
  probabilities: Float64Array;
  /** State after the window, as it came in. */
  state: Float64Array;
  /** Of the loss, over the flat vector. */
  gradient: Float64Array;
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** What a layer's backward pass needs, each [rows, …]. */
interface LayerTrace {
  width: number;
  input: Float64Array;
  /** Activations i, f, g, o. */
  gates: Float64Array;
  hBefore: Float64Array;
  cBefore: Float64Array;
  c: Float64Array;
  h: Float64Array;
}

export function reference(
  model: ModelConfiguration,
  layout: Layout,
  weights: ArrayLike<number>,
  window: ReferenceWindow,
): ReferenceResult {
  const { vocabulary: V, embedding: E, hidden: H, layers } = model;
  const { inputs, targets, steps, batch, masks, separator = -1 } = window;
  const rows = steps * batch;
  const at = (name: string) => layout.find(name).offset;
  const traces: LayerTrace[] = [];
  const state = new Float64Array(window.state.length);

  let below: Float64Array = new Float64Array(rows * E);
  for (let r = 0; r < rows; r++)
    for (let e = 0; e < E; e++) below[r * E + e] = weights[at("embedding.weight") + inputs[r] * E + e];
  for (let l = 0; l < layers; l++) {
    const width = l === 0 ? E : H;
    if (masks) below = masked(below, masks[l], rows, batch, width);
    const trace = layerForward(l, width, below);
    traces.push(trace);
    below = trace.h;
  }
  const attention = model.attention ? attend(below, model.attention) : null;
  if (attention) below = attention.out;
  const top = masks ? masked(below, masks[layers], rows, batch, H) : below;

  const gradient = new Float64Array(layout.length);
  const { nll, probabilities, dTop } =
    model.softmax === "adaptive" ? adaptiveOutput(gradient) : fullOutput(gradient);
  const loss = nll.reduce((a, b) => a + b, 0) / rows;
  backward();
  return { loss, nll, probabilities, state, gradient };

  /** Tied weights of another width than the hidden layer's read a projection of it: W·h, W [embedding, hidden]. */
  function fullOutput(gradient: Float64Array) {
    const width = model.tied ? E : H;
    const projection = width === H ? -1 : at("projection.weight");
    const weight = at(model.tied ? "embedding.weight" : "output.weight");
    const bias = at("output.bias");
    const nll = new Float64Array(rows);
    const probabilities = new Float64Array(rows * V);
    const dTop = new Float64Array(rows * H);
    for (let r = 0; r < rows; r++) {
      const x = top.subarray(r * H, (r + 1) * H);
      const dx = dTop.subarray(r * H, (r + 1) * H);
      const [z, dz] = projection < 0 ? [x, dx] : [new Float64Array(width), new Float64Array(width)];
      if (projection >= 0)
        for (let q = 0; q < width; q++)
          for (let j = 0; j < H; j++) z[q] += weights[projection + q * H + j] * x[j];
      const found = classify(weight, bias, V, z, targets[r], gradient, dz);
      nll[r] = found.nll;
      probabilities.set(found.p, r * V);
      if (projection < 0) continue;
      for (let q = 0; q < width; q++)
        for (let j = 0; j < H; j++) {
          gradient[projection + q * H + j] += dz[q] * x[j];
          dx[j] += dz[q] * weights[projection + q * H + j];
        }
    }
    return { nll, probabilities, dTop };
  }

  /** Grave et al. (2017), written for one row after the other; projections narrow by 4 from tail to tail. */
  function adaptiveOutput(gradient: Float64Array) {
    const { cutoffs } = model;
    const head = cutoffs[0];
    const nll = new Float64Array(rows);
    const probabilities = new Float64Array(rows * V);
    const dTop = new Float64Array(rows * H);
    for (let r = 0; r < rows; r++) {
      const x = top.subarray(r * H, (r + 1) * H);
      const dx = dTop.subarray(r * H, (r + 1) * H);
      const cluster = cutoffs.filter((cutoff) => targets[r] >= cutoff).length - 1;
      const first = cluster < 0 ? targets[r] : head + cluster;
      const outer = classify(
        at("output.head.weight"),
        at("output.head.bias"),
        head + cutoffs.length,
        x,
        first,
        gradient,
        dx,
      );
      nll[r] = outer.nll;
      probabilities.set(outer.p.subarray(0, head), r * V);
      cutoffs.forEach((from, i) => {
        const size = (cutoffs[i + 1] ?? V) - from;
        const width = Math.max(1, Math.floor(H / 4 ** (i + 1)));
        const projection = at(`output.tail.${i}.0.weight`);
        const z = new Float64Array(width);
        const dz = new Float64Array(width);
        for (let q = 0; q < width; q++)
          for (let j = 0; j < H; j++) z[q] += weights[projection + q * H + j] * x[j];
        const target = i === cluster ? targets[r] - from : -1;
        const inner = classify(at(`output.tail.${i}.1.weight`), -1, size, z, target, gradient, dz);
        probabilities.set(
          inner.p.map((p) => p * outer.p[head + i]),
          r * V + from,
        );
        if (i !== cluster) return;
        nll[r] += inner.nll;
        for (let q = 0; q < width; q++)
          for (let j = 0; j < H; j++) {
            gradient[projection + q * H + j] += dz[q] * x[j];
            dx[j] += dz[q] * weights[projection + q * H + j];
          }
      });
    }
    return { nll, probabilities, dTop };
  }

  /** One row's softmax over `size` classes; with a target its likelihood, and gradients added to `gradient` and dx. */
  function classify(
    weight: number,
    bias: number,
    size: number,
    x: Float64Array,
    target: number,
    gradient: Float64Array,
    dx: Float64Array,
  ): { nll: number; p: Float64Array } {
    const p = new Float64Array(size);
    for (let v = 0; v < size; v++) {
      p[v] = bias < 0 ? 0 : weights[bias + v];
      for (let j = 0; j < x.length; j++) p[v] += weights[weight + v * x.length + j] * x[j];
    }
    const most = p.reduce((a, b) => Math.max(a, b));
    const chosen = p[target];
    const sum = p.reduce((total, logit) => total + Math.exp(logit - most), 0);
    for (let v = 0; v < size; v++) p[v] = Math.exp(p[v] - most) / sum;
    if (target < 0) return { nll: 0, p };
    for (let v = 0; v < size; v++) {
      const d = (p[v] - Number(v === target)) / rows;
      if (bias >= 0) gradient[bias + v] += d;
      for (let j = 0; j < x.length; j++) {
        gradient[weight + v * x.length + j] += d * x[j];
        dx[j] += d * weights[weight + v * x.length + j];
      }
    }
    return { nll: most + Math.log(sum) - chosen, p };
  }

  /** Luong et al. (2015), row by row: tanh(W [c ; h]), c = Σ softmax(h · k) k. Carried states are constants. */
  function attend(
    h: Float64Array,
    { span, after, separator: between }: NonNullable<ModelConfiguration["attention"]>,
  ) {
    const weight = at("attention.weight");
    const carried = 2 * layers * batch * H;
    const out = new Float64Array(rows * H);
    /** Of each row: what it attends to, a row of the window or, negative, of what was carried; and its weights. */
    const places: number[][] = [];
    const alphas: number[][] = [];
    const key = (place: number, j: number) =>
      place >= 0 ? h[place * H + j] : window.state[carried + 2 * batch + (-1 - place) * H + j];
    for (let lane = 0; lane < batch; lane++) {
      let known = Array.from(
        { length: window.state[carried + lane] },
        (_, i) => -1 - ((span - window.state[carried + lane] + i) * batch + lane),
      );
      let closed = window.state[carried + batch + lane] > 0;
      for (let r = lane; r < rows; r += batch) {
        if (inputs[r] === separator) [known, closed] = [[], false];
        if (after !== undefined && inputs[r] === between) [known, closed] = [[], false];
        if (inputs[r] === after) closed = true;
        places[r] = after === undefined || closed ? [...known] : [];
        if (window.sources)
          places[r] = Array.from(
            { length: window.sources.to[r] - window.sources.from[r] },
            (_, i) => (window.sources!.from[r] + i) * batch + lane,
          );
        if (!closed && (after === undefined || inputs[r] !== between)) known = [...known, r].slice(-span);
      }
      if (window.sources) [known, closed] = [[], false];
      state[carried + lane] = known.length;
      state[carried + batch + lane] = Number(closed);
      known.forEach((place, i) => {
        for (let j = 0; j < H; j++)
          state[carried + 2 * batch + ((span - known.length + i) * batch + lane) * H + j] = key(place, j);
      });
    }
    const joined = new Float64Array(rows * 2 * H);
    for (let r = 0; r < rows; r++) {
      const scores = places[r].map((place) => {
        let score = 0;
        for (let j = 0; j < H; j++) score += h[r * H + j] * key(place, j);
        return Math.exp(score);
      });
      const sum = scores.reduce((a, b) => a + b, 0);
      alphas[r] = scores.map((score) => score / sum);
      for (let j = 0; j < H; j++) {
        places[r].forEach((place, i) => {
          joined[r * 2 * H + j] += alphas[r][i] * key(place, j);
        });
        joined[r * 2 * H + H + j] = h[r * H + j];
      }
      for (let q = 0; q < H; q++) {
        let z = 0;
        for (let j = 0; j < 2 * H; j++) z += weights[weight + q * 2 * H + j] * joined[r * 2 * H + j];
        out[r * H + q] = Math.tanh(z);
      }
    }
    return { out, backward: (dOut: Float64Array) => back(dOut) };

    function back(dOut: Float64Array): Float64Array {
      const dh = new Float64Array(rows * H);
      for (let r = 0; r < rows; r++) {
        const dJoined = new Float64Array(2 * H);
        for (let q = 0; q < H; q++) {
          const dz = dOut[r * H + q] * (1 - out[r * H + q] ** 2);
          for (let j = 0; j < 2 * H; j++) {
            gradient[weight + q * 2 * H + j] += dz * joined[r * 2 * H + j];
            dJoined[j] += dz * weights[weight + q * 2 * H + j];
          }
        }
        for (let j = 0; j < H; j++) dh[r * H + j] += dJoined[H + j];
        const dAlphas = places[r].map((place) => {
          let d = 0;
          for (let j = 0; j < H; j++) d += dJoined[j] * key(place, j);
          return d;
        });
        const mean = dAlphas.reduce((sum, d, i) => sum + d * alphas[r][i], 0);
        places[r].forEach((place, i) => {
          const slope = alphas[r][i] * (dAlphas[i] - mean);
          for (let j = 0; j < H; j++) {
            dh[r * H + j] += slope * key(place, j);
            if (place >= 0) dh[place * H + j] += alphas[r][i] * dJoined[j] + slope * h[r * H + j];
          }
        });
      }
      return dh;
    }
  }

  function layerForward(l: number, width: number, input: Float64Array): LayerTrace {
    const [wi, wh, bi, bh] = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].map((name) =>
      at(`lstm.${name}_l${l}`),
    );
    const gates = new Float64Array(rows * 4 * H);
    const [hBefore, cBefore, c, h] = [0, 1, 2, 3].map(() => new Float64Array(rows * H));
    const first = 2 * l * batch * H;
    for (let t = 0; t < steps; t++)
      for (let lane = 0; lane < batch; lane++) {
        const r = t * batch + lane;
        const keep = inputs[r] === separator ? 0 : 1;
        for (let j = 0; j < H; j++) {
          hBefore[r * H + j] = keep * (t ? h[(r - batch) * H + j] : window.state[first + lane * H + j]);
          cBefore[r * H + j] =
            keep * (t ? c[(r - batch) * H + j] : window.state[first + (batch + lane) * H + j]);
        }
        for (let q = 0; q < 4 * H; q++) {
          let a = weights[bi + q] + weights[bh + q];
          for (let k = 0; k < width; k++) a += weights[wi + q * width + k] * input[r * width + k];
          for (let k = 0; k < H; k++) a += weights[wh + q * H + k] * hBefore[r * H + k];
          gates[r * 4 * H + q] = q >= 2 * H && q < 3 * H ? Math.tanh(a) : sigmoid(a);
        }
        for (let j = 0; j < H; j++) {
          const [i, f, g, o] = [0, 1, 2, 3].map((n) => gates[r * 4 * H + n * H + j]);
          c[r * H + j] = f * cBefore[r * H + j] + i * g;
          h[r * H + j] = o * Math.tanh(c[r * H + j]);
          state[first + lane * H + j] = h[r * H + j];
          state[first + (batch + lane) * H + j] = c[r * H + j];
        }
      }
    return { width, input, gates, hBefore, cBefore, c, h };
  }

  function backward(): void {
    let dAbove: Float64Array = dTop;
    if (masks) dAbove = masked(dAbove, masks[layers], rows, batch, H);
    if (attention) dAbove = attention.backward(dAbove);
    for (let l = layers - 1; l >= 0; l--) {
      dAbove = layerBackward(l, traces[l], dAbove, gradient);
      if (masks) dAbove = masked(dAbove, masks[l], rows, batch, traces[l].width);
    }
    for (let r = 0; r < rows; r++)
      for (let e = 0; e < E; e++) gradient[at("embedding.weight") + inputs[r] * E + e] += dAbove[r * E + e];
  }

  function layerBackward(
    l: number,
    trace: LayerTrace,
    dh: Float64Array,
    gradient: Float64Array,
  ): Float64Array {
    const { width, input, gates, hBefore, cBefore, c } = trace;
    const [wi, wh, bi, bh] = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].map((name) =>
      at(`lstm.${name}_l${l}`),
    );
    const dInput = new Float64Array(rows * width);
    const dc = new Float64Array(batch * H);
    for (let t = steps - 1; t >= 0; t--)
      for (let lane = 0; lane < batch; lane++) {
        const r = t * batch + lane;
        const keep = inputs[r] === separator ? 0 : 1;
        const da = new Float64Array(4 * H);
        for (let j = 0; j < H; j++) {
          const [i, f, g, o] = [0, 1, 2, 3].map((n) => gates[r * 4 * H + n * H + j]);
          const squashed = Math.tanh(c[r * H + j]);
          const d = dc[lane * H + j] + dh[r * H + j] * o * (1 - squashed * squashed);
          da[j] = d * g * i * (1 - i);
          da[H + j] = d * cBefore[r * H + j] * f * (1 - f);
          da[2 * H + j] = d * i * (1 - g * g);
          da[3 * H + j] = dh[r * H + j] * squashed * o * (1 - o);
          dc[lane * H + j] = keep * d * f;
        }
        for (let q = 0; q < 4 * H; q++) {
          gradient[bi + q] += da[q];
          gradient[bh + q] += da[q];
          for (let k = 0; k < width; k++) {
            gradient[wi + q * width + k] += da[q] * input[r * width + k];
            dInput[r * width + k] += da[q] * weights[wi + q * width + k];
          }
          for (let k = 0; k < H; k++) {
            gradient[wh + q * H + k] += da[q] * hBefore[r * H + k];
            if (t > 0) dh[(r - batch) * H + k] += keep * da[q] * weights[wh + q * H + k];
          }
        }
      }
    return dInput;
  }
}

function masked(
  x: Float64Array,
  mask: ArrayLike<number>,
  rows: number,
  batch: number,
  width: number,
): Float64Array {
  const out = new Float64Array(rows * width);
  for (let r = 0; r < rows; r++)
    for (let k = 0; k < width; k++) out[r * width + k] = x[r * width + k] * mask[(r % batch) * width + k];
  return out;
}

/** The gradient of the reference's loss by central differences, [layout.length]. */
export function centralDifferences(
  ...[model, layout, weights, window]: Parameters<typeof reference>
): Float64Array {
  const step = 1e-5;
  const loss = (i: number, by: number) => {
    const moved = Float64Array.from(weights);
    moved[i] += by;
    return reference(model, layout, moved, window).loss;
  };
  return Float64Array.from(weights, (_, i) => (loss(i, step) - loss(i, -step)) / (2 * step));
}
