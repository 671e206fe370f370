/**
 * The element-wise half of a GRU step; the products around it are gemm's (Cho et al. 2014, in the form of PyTorch's
 * nn.GRU, which resets the product and not the state):
 *
 *   r, z = sigmoid(a_r + q_r, a_z + q_z),  n = tanh(a_n + r q_n),  h = n + z (h_prev - n),
 *   a = W_ih x + b_ih,  q = W_hh h_prev + b_hh
 *
 * Gate order r, z, n is PyTorch's. `gates` and `products` are [batch, 3·hidden]: before the step a and q without their
 * biases, after it the activations, and q with its bias; after the backward step the gradients of a and of q. Every
 * other array is [batch, hidden].
 */
import { sigmoid4, tanh4 } from "./elementary";
import { Count } from "./types";

/** Both `bias` and `stateBias` are [3·hidden]. */
export function gruForward(
  gates: usize,
  products: usize,
  bias: usize,
  stateBias: usize,
  hPrev: usize,
  h: usize,
  batch: Count,
  hidden: Count,
): void {
  const width = hidden << 2;
  for (let b: usize = 0; b < batch; b++) {
    let j: usize = 0;
    for (const whole = width & ~15; j < whole; j += 16) {
      const z = j + width;
      const n = z + width;
      const q = f32x4.add(v128.load(products + n), v128.load(stateBias + n));
      const reset = sigmoid4(gate4(gates + j, products + j, bias + j, stateBias + j));
      const update = sigmoid4(gate4(gates + z, products + z, bias + z, stateBias + z));
      const input = f32x4.add(v128.load(gates + n), v128.load(bias + n));
      const fresh = tanh4(f32x4.add(input, f32x4.mul(reset, q)));
      v128.store(gates + j, reset);
      v128.store(gates + z, update);
      v128.store(gates + n, fresh);
      v128.store(products + n, q);
      v128.store(h + j, f32x4.add(fresh, f32x4.mul(update, f32x4.sub(v128.load(hPrev + j), fresh))));
    }
    // Units left over where `hidden` is not a multiple of 4: the same arithmetic, one lane of it kept.
    for (; j < width; j += 4) {
      const z = j + width;
      const n = z + width;
      const q = load<f32>(products + n) + load<f32>(stateBias + n);
      const reset = sigmoid(gate(gates + j, products + j, bias + j, stateBias + j));
      const update = sigmoid(gate(gates + z, products + z, bias + z, stateBias + z));
      const input = load<f32>(gates + n) + load<f32>(bias + n);
      const fresh = f32x4.extract_lane(tanh4(f32x4.splat(input + reset * q)), 0);
      store<f32>(gates + j, reset);
      store<f32>(gates + z, update);
      store<f32>(gates + n, fresh);
      store<f32>(products + n, q);
      store<f32>(h + j, fresh + update * (load<f32>(hPrev + j) - fresh));
    }
    gates += 3 * width;
    products += 3 * width;
    hPrev += width;
    h += width;
  }
}

// @ts-ignore: decorator
@inline
function gate4(a: usize, q: usize, bias: usize, stateBias: usize): v128 {
  return f32x4.add(
    f32x4.add(v128.load(a), v128.load(bias)),
    f32x4.add(v128.load(q), v128.load(stateBias)),
  );
}

// @ts-ignore: decorator
@inline
function gate(a: usize, q: usize, bias: usize, stateBias: usize): f32 {
  return load<f32>(a) + load<f32>(bias) + (load<f32>(q) + load<f32>(stateBias));
}

// @ts-ignore: decorator
@inline
function sigmoid(x: f32): f32 {
  return f32x4.extract_lane(sigmoid4(f32x4.splat(x)), 0);
}

/**
 * `dh` is the gradient of h, `carried` what the step after added to it element by element; `carried` becomes the share
 * of h_prev that does not go through a product.
 */
export function gruBackward(
  gates: usize,
  products: usize,
  hPrev: usize,
  dh: usize,
  carried: usize,
  batch: Count,
  hidden: Count,
): void {
  const width = hidden << 2;
  const one = f32x4.splat(1);
  for (let b: usize = 0; b < batch; b++) {
    let j: usize = 0;
    for (const whole = width & ~15; j < whole; j += 16) {
      const z = j + width;
      const n = z + width;
      const r = v128.load(gates + j);
      const update = v128.load(gates + z);
      const fresh = v128.load(gates + n);
      const all = f32x4.add(v128.load(dh + j), v128.load(carried + j));
      const dFresh = f32x4.mul(all, f32x4.sub(one, update));
      const da = f32x4.mul(dFresh, f32x4.sub(one, f32x4.mul(fresh, fresh)));
      const dr = f32x4.mul(f32x4.mul(da, v128.load(products + n)), f32x4.mul(r, f32x4.sub(one, r)));
      const away = f32x4.sub(v128.load(hPrev + j), fresh);
      const dz = f32x4.mul(f32x4.mul(all, away), f32x4.mul(update, f32x4.sub(one, update)));
      v128.store(gates + j, dr);
      v128.store(gates + z, dz);
      v128.store(gates + n, da);
      v128.store(products + j, dr);
      v128.store(products + z, dz);
      v128.store(products + n, f32x4.mul(da, r));
      v128.store(carried + j, f32x4.mul(all, update));
    }
    for (; j < width; j += 4) {
      const z = j + width;
      const n = z + width;
      const r = load<f32>(gates + j);
      const update = load<f32>(gates + z);
      const fresh = load<f32>(gates + n);
      const all = load<f32>(dh + j) + load<f32>(carried + j);
      const da = all * (1 - update) * (1 - fresh * fresh);
      const dr = da * load<f32>(products + n) * (r * (1 - r));
      const dz = all * (load<f32>(hPrev + j) - fresh) * (update * (1 - update));
      store<f32>(gates + j, dr);
      store<f32>(gates + z, dz);
      store<f32>(gates + n, da);
      store<f32>(products + j, dr);
      store<f32>(products + z, dz);
      store<f32>(products + n, da * r);
      store<f32>(carried + j, all * update);
    }
    gates += 3 * width;
    products += 3 * width;
    hPrev += width;
    dh += width;
    carried += width;
  }
}
