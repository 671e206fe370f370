/**
 * Log-softmax fused with cross-entropy and its gradient, row by row and in place.
 *
 * A row of logits holds `vocabulary` floats in a stride of `stride` (vocabulary rounded up to 4); the floats
 * between are set to 0 probability. The bias is added here, where the row is in the cache anyway; its address is 0
 * where there is none.
 */
import { Count } from "./types";
import { expNegative, expNegativeFour, log4, logPositive } from "./elementary";

/** Stands for minus infinity: exp gives 0, and sums with it stay finite. */
const NEVER: f32 = -1e30;

// @ts-ignore: decorator
@inline
function horizontalMax(x: v128): f32 {
  const a = f32x4.max(x, v128.shuffle<f32>(x, x, 2, 3, 0, 1));
  return f32x4.extract_lane(f32x4.max(a, v128.shuffle<f32>(a, a, 1, 0, 3, 2)), 0);
}

// @ts-ignore: decorator
@inline
function horizontalSum(x: v128): f32 {
  return (
    f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3))
  );
}

// @ts-ignore: decorator
@inline
function log(x: f32): f32 {
  return f32x4.extract_lane(log4(f32x4.splat(x)), 0);
}

/** Pads the row and returns its largest logit. */
function largestLogit(row: usize, vocabulary: usize, stride: usize): f32 {
  let most = f32x4.splat(NEVER);
  const whole = row + ((vocabulary & ~3) << 2);
  let at = row;
  for (; at < whole; at += 16) most = f32x4.max(most, v128.load(at));
  let largest = horizontalMax(most);
  for (const end = row + (vocabulary << 2); at < end; at += 4) largest = max(largest, load<f32>(at));
  for (const end = row + (stride << 2); at < end; at += 4) store<f32>(at, NEVER);
  return largest;
}

/**
 * Adds the bias, pads the row, and returns its largest logit, or NaN where one is. Four chains of maxima, by
 * comparison: the maximum that minds NaN takes engines eight instructions that wait for each other.
 */
function addBias(row: usize, bias: usize, vocabulary: usize, stride: usize): f32 {
  if (bias == 0) return largestLogit(row, vocabulary, stride);
  let most0 = f32x4.splat(NEVER);
  let most1 = most0;
  let most2 = most0;
  let most3 = most0;
  let none = i32x4.splat(0);
  const fours = row + ((vocabulary & ~15) << 2);
  const whole = row + ((vocabulary & ~3) << 2);
  let at = row;
  while (at < fours) {
    const a = f32x4.add(v128.load(at), v128.load(bias));
    const b = f32x4.add(v128.load(at, 16), v128.load(bias, 16));
    const c = f32x4.add(v128.load(at, 32), v128.load(bias, 32));
    const d = f32x4.add(v128.load(at, 48), v128.load(bias, 48));
    v128.store(at, a);
    v128.store(at, b, 16);
    v128.store(at, c, 32);
    v128.store(at, d, 48);
    most0 = f32x4.pmax(most0, a);
    most1 = f32x4.pmax(most1, b);
    most2 = f32x4.pmax(most2, c);
    most3 = f32x4.pmax(most3, d);
    // A sum is NaN where one of its terms is, or where opposite infinities meet.
    const sum = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
    none = v128.or(none, f32x4.ne(sum, sum));
    at += 64;
    bias += 64;
  }
  while (at < whole) {
    const x = f32x4.add(v128.load(at), v128.load(bias));
    v128.store(at, x);
    most0 = f32x4.pmax(most0, x);
    none = v128.or(none, f32x4.ne(x, x));
    at += 16;
    bias += 16;
  }
  most0 = f32x4.max(f32x4.max(most0, most1), f32x4.max(most2, most3));
  let largest = v128.any_true(none) ? <f32>NaN : horizontalMax(most0);
  for (const end = row + (vocabulary << 2); at < end; at += 4, bias += 4) {
    const x = load<f32>(at) + load<f32>(bias);
    store<f32>(at, x);
    largest = max(largest, x);
  }
  for (const end = row + (stride << 2); at < end; at += 4) store<f32>(at, NEVER);
  return largest;
}

/** x <- exp(x - most), x <= most; returns the sum, NaN where `most` is not finite. Two chains of sums. */
function exponentiate(row: usize, stride: usize, most: f32): f32 {
  const shift = f32x4.splat(most);
  let sum0 = f32x4.sub(shift, shift);
  let sum1 = sum0;
  const end = row + (stride << 2);
  const fours = row + ((stride & ~15) << 2);
  const pairs = row + ((stride & ~7) << 2);
  while (row < fours) {
    expNegativeFour(row, shift);
    sum0 = f32x4.add(f32x4.add(sum0, v128.load(row)), v128.load(row, 32));
    sum1 = f32x4.add(f32x4.add(sum1, v128.load(row, 16)), v128.load(row, 48));
    row += 64;
  }
  if (row < pairs) {
    const a = expNegative(f32x4.sub(v128.load(row), shift));
    const b = expNegative(f32x4.sub(v128.load(row, 16), shift));
    v128.store(row, a);
    v128.store(row, b, 16);
    sum0 = f32x4.add(sum0, a);
    sum1 = f32x4.add(sum1, b);
    row += 32;
  }
  if (row < end) {
    const a = expNegative(f32x4.sub(v128.load(row), shift));
    v128.store(row, a);
    sum0 = f32x4.add(sum0, a);
  }
  return horizontalSum(f32x4.add(sum0, sum1));
}

function scaleRow(row: usize, stride: usize, factor: f32): void {
  const by = f32x4.splat(factor);
  for (const pairs = row + ((stride & ~7) << 2); row < pairs; row += 32) {
    const a = f32x4.mul(v128.load(row), by);
    const b = f32x4.mul(v128.load(row, 16), by);
    v128.store(row, a);
    v128.store(row, b, 16);
  }
  if (stride & 4) v128.store(row, f32x4.mul(v128.load(row), by));
}

/**
 * Logits [rows, vocabulary] become (probability - one-hot target) · scale, the gradient of the mean loss where
 * scale is one over the number of tokens. Stores each row's negative log-likelihood in nats; returns their sum. A row whose
 * target is negative becomes zeros, and its loss is 0.
 */
export function crossEntropy(
  logits: usize, bias: usize, targets: usize, nll: usize, rows: Count, vocabulary: Count, stride: Count, scale: f32,
): f64 {
  let total: f64 = 0;
  for (let r: usize = 0; r < rows; r++) {
    const id = load<i32>(targets);
    if (id < 0) {
      memory.fill(logits, 0, stride << 2);
      store<f32>(nll, 0);
      logits += stride << 2;
      targets += 4;
      nll += 4;
      continue;
    }
    const most = addBias(logits, bias, vocabulary, stride);
    const target = logits + (<usize>id << 2);
    const chosen = load<f32>(target) - most;
    const sum = exponentiate(logits, stride, most);
    const loss = log(sum) - chosen;
    store<f32>(nll, loss);
    total += loss;
    scaleRow(logits, stride, scale / sum);
    store<f32>(target, load<f32>(target) - scale);
    logits += stride << 2;
    targets += 4;
    nll += 4;
  }
  return total;
}

/** Logits become probabilities; stores each row's negative log-likelihood of its target. */
export function probabilities(
  logits: usize, bias: usize, targets: usize, nll: usize, rows: Count, vocabulary: Count, stride: Count,
): void {
  for (let r: usize = 0; r < rows; r++) {
    const most = addBias(logits, bias, vocabulary, stride);
    const chosen = load<f32>(logits + (<usize>max(load<i32>(targets), 0) << 2)) - most;
    const sum = exponentiate(logits, stride, most);
    store<f32>(nll, log(sum) - chosen);
    scaleRow(logits, stride, <f32>1 / sum);
    logits += stride << 2;
    targets += 4;
    nll += 4;
  }
}

/**
 * out[r, j] = p[r, j] · factors[r] for j < width: the probabilities of a cluster, times that of the cluster itself,
 * among those of all tokens. Strides in elements; nothing is written beyond the width.
 */
export function placeCluster(
  out: usize, outStride: Count, p: usize, stride: Count, factors: usize, factorStride: Count, rows: Count, width: Count,
): void {
  for (let r: usize = 0; r < rows; r++) {
    const factor = load<f32>(factors);
    const by = f32x4.splat(factor);
    const whole = out + ((width & ~3) << 2);
    let to = out;
    let from = p;
    for (; to < whole; to += 16, from += 16) v128.store(to, f32x4.mul(v128.load(from), by));
    for (const end = out + (width << 2); to < end; to += 4, from += 4) store<f32>(to, load<f32>(from) * factor);
    out += outStride << 2;
    p += stride << 2;
    factors += factorStride << 2;
  }
}

/** Adds probability rows: sum = p where `first`, else sum + p. */
export function addProbabilities(sum: usize, p: usize, count: Count, first: bool): void {
  for (const end = sum + (count << 2); sum < end; sum += 16, p += 16)
    v128.store(sum, first ? v128.load(p) : f32x4.add(v128.load(sum), v128.load(p)));
}

/** entropy[r] (+)= -sum_k p_k ln p_k in nats, of rows of p · scale. */
export function addEntropy(
  entropy: usize, p: usize, rows: Count, stride: Count, scale: f32, first: bool,
): void {
  const by = f32x4.splat(scale);
  // Below the smallest normal p ln p is nothing: the floor keeps log from seeing 0.
  const floor = f32x4.splat(1.17549435e-38);
  for (let r: usize = 0; r < rows; r++) {
    let sum = f32x4.splat(0);
    for (const end = p + (stride << 2); p < end; p += 16) {
      const x = f32x4.mul(v128.load(p), by);
      sum = f32x4.add(sum, f32x4.mul(x, logPositive(f32x4.pmax(floor, x))));
    }
    const h = -horizontalSum(sum);
    store<f32>(entropy, first ? h : load<f32>(entropy) + h);
    entropy += 4;
  }
}

/**
 * What calibration needs of rows of p · scale: per row four floats, the largest probability, whether it is the
 * target's (1 or 0), the Brier score sum_k (p_k - [k = target])², and the target's probability.
 */
export function scoreRows(
  out: usize, p: usize, targets: usize, rows: Count, stride: Count, scale: f32,
): void {
  const by = f32x4.splat(scale);
  for (let r: usize = 0; r < rows; r++) {
    let squares = f32x4.splat(0);
    let most = f32x4.splat(0);
    const chosen = load<f32>(p + (<usize>max(load<i32>(targets), 0) << 2)) * scale;
    for (const end = p + (stride << 2); p < end; p += 16) {
      const x = f32x4.mul(v128.load(p), by);
      squares = f32x4.add(squares, f32x4.mul(x, x));
      most = f32x4.max(most, x);
    }
    const confidence = horizontalMax(most);
    store<f32>(out, confidence);
    store<f32>(out, chosen == confidence ? <f32>1 : <f32>0, 4);
    store<f32>(out, horizontalSum(squares) + 1 - 2 * chosen, 8);
    store<f32>(out, chosen, 12);
    out += 16;
    targets += 4;
  }
}
