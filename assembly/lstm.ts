/**
 * The element-wise half of an LSTM step; the products around it are gemm's.
 *
 *   i, f, o = sigmoid(a_i, a_f, a_o), g = tanh(a_g), a = W_ih x + b_ih + W_hh h_prev + b_hh
 *   c = f c_prev + i g,  h = o tanh(c)                       (Hochreiter and Schmidhuber 1997; Gers et al. 2000)
 *
 * Gate order i, f, g, o is PyTorch's. `gates` is [batch, 4·hidden]: before the step without the bias, after it
 * the activations, after the backward step the gradients of a. Every other array is [batch, hidden].
 */
import { Count } from "./types";
import { sigmoid4, tanh4 } from "./elementary";

export function lstmForward(
  gates: usize,
  bias: usize,
  cPrev: usize,
  c: usize,
  h: usize,
  batch: Count,
  hidden: Count,
): void {
  const width = hidden << 2;
  for (let b: usize = 0; b < batch; b++) {
    // One function a loop: all of them in one body need more registers than there are.
    sigmoidRow(gates, bias, 2 * hidden);
    tanhRow(gates + 2 * width, bias + 2 * width, hidden);
    sigmoidRow(gates + 3 * width, bias + 3 * width, hidden);
    const whole = gates + (width & ~15);
    const end = gates + width;
    for (; gates < whole; gates += 16) {
      const cell = f32x4.add(
        f32x4.mul(v128.load(gates + width), v128.load(cPrev)),
        f32x4.mul(v128.load(gates), v128.load(gates + 2 * width)),
      );
      v128.store(c, cell);
      v128.store(h, f32x4.mul(v128.load(gates + 3 * width), tanh4(cell)));
      cPrev += 16;
      c += 16;
      h += 16;
    }
    // Units left over where `hidden` is not a multiple of 4: the same arithmetic, one lane of it kept.
    for (; gates < end; gates += 4) {
      const cell = load<f32>(gates + width) * load<f32>(cPrev) + load<f32>(gates) * load<f32>(gates + 2 * width);
      store<f32>(c, cell);
      store<f32>(h, load<f32>(gates + 3 * width) * f32x4.extract_lane(tanh4(f32x4.splat(cell)), 0));
      cPrev += 4;
      c += 4;
      h += 4;
    }
    gates += 3 * width;
  }
}

/**
 * x <- sigmoid(x + bias); two at a time, since one waits for its own results. Both before either store,
 * which engines do not reorder.
 */
function sigmoidRow(x: usize, bias: usize, count: usize): void {
  const end = x + (count << 2);
  for (const pairs = x + ((count & ~7) << 2); x < pairs; x += 32) {
    const a = f32x4.add(v128.load(x), v128.load(bias));
    const b = f32x4.add(v128.load(x, 16), v128.load(bias, 16));
    const first = sigmoid4(a);
    const second = sigmoid4(b);
    v128.store(x, first);
    v128.store(x, second, 16);
    bias += 32;
  }
  if (count & 4) {
    v128.store(x, sigmoid4(f32x4.add(v128.load(x), v128.load(bias))));
    x += 16;
    bias += 16;
  }
  for (; x < end; x += 4) {
    v128.store_lane<f32>(x, sigmoid4(f32x4.splat(load<f32>(x) + load<f32>(bias))), 0);
    bias += 4;
  }
}

/** x <- tanh(x + bias). */
function tanhRow(x: usize, bias: usize, count: usize): void {
  const end = x + (count << 2);
  for (const pairs = x + ((count & ~7) << 2); x < pairs; x += 32) {
    const a = f32x4.add(v128.load(x), v128.load(bias));
    const b = f32x4.add(v128.load(x, 16), v128.load(bias, 16));
    const first = tanh4(a);
    const second = tanh4(b);
    v128.store(x, first);
    v128.store(x, second, 16);
    bias += 32;
  }
  if (count & 4) {
    v128.store(x, tanh4(f32x4.add(v128.load(x), v128.load(bias))));
    x += 16;
    bias += 16;
  }
  for (; x < end; x += 4) {
    v128.store_lane<f32>(x, tanh4(f32x4.splat(load<f32>(x) + load<f32>(bias))), 0);
    bias += 4;
  }
}

/**
 * `dh` is the gradient of h, `dc` that of c from the step after; `dc` becomes the gradient of c_prev.
 */
export function lstmBackward(
  gates: usize,
  cPrev: usize,
  c: usize,
  dh: usize,
  dc: usize,
  batch: Count,
  hidden: Count,
): void {
  const width = hidden << 2;
  const one = f32x4.splat(1);
  for (let b: usize = 0; b < batch; b++) {
    let j: usize = 0;
    for (const whole = width & ~15; j < whole; j += 16) {
      const at = gates + j;
      const i = v128.load(at);
      const f = v128.load(at + width);
      const g = v128.load(at + 2 * width);
      const o = v128.load(at + 3 * width);
      const tanhC = tanh4(v128.load(c + j));
      const dhj = v128.load(dh + j);
      const dcj = f32x4.add(
        v128.load(dc + j),
        f32x4.mul(f32x4.mul(dhj, o), f32x4.sub(one, f32x4.mul(tanhC, tanhC))),
      );
      v128.store(at, f32x4.mul(f32x4.mul(dcj, g), f32x4.mul(i, f32x4.sub(one, i))));
      v128.store(
        at + width,
        f32x4.mul(f32x4.mul(dcj, v128.load(cPrev + j)), f32x4.mul(f, f32x4.sub(one, f))),
      );
      v128.store(at + 2 * width, f32x4.mul(f32x4.mul(dcj, i), f32x4.sub(one, f32x4.mul(g, g))));
      v128.store(at + 3 * width, f32x4.mul(f32x4.mul(dhj, tanhC), f32x4.mul(o, f32x4.sub(one, o))));
      v128.store(dc + j, f32x4.mul(dcj, f));
    }
    for (; j < width; j += 4) backwardOne(gates + j, width, cPrev + j, c + j, dh + j, dc + j);
    gates += 4 * width;
    cPrev += width;
    c += width;
    dh += width;
    dc += width;
  }
}

function backwardOne(at: usize, width: usize, cPrev: usize, c: usize, dh: usize, dc: usize): void {
  const i = load<f32>(at);
  const f = load<f32>(at + width);
  const g = load<f32>(at + 2 * width);
  const o = load<f32>(at + 3 * width);
  const tanhC = f32x4.extract_lane(tanh4(v128.load_splat<f32>(c)), 0);
  const dhj = load<f32>(dh);
  const dcj = load<f32>(dc) + dhj * o * (1 - tanhC * tanhC);
  store<f32>(at, dcj * g * (i * (1 - i)));
  store<f32>(at + width, dcj * load<f32>(cPrev) * (f * (1 - f)));
  store<f32>(at + 2 * width, dcj * i * (1 - g * g));
  store<f32>(at + 3 * width, dhj * tanhC * (o * (1 - o)));
  store<f32>(dc, dcj * f);
}
