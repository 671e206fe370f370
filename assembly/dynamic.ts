/** The step of dynamic evaluation, in one reading of the weights. */

/** w += decay (mean - w) - rate scale g, with a scale for every weight. */
export function dynamicStep(w: usize, mean: usize, scale: usize, g: usize, n: i32, rate: f32, decay: f32): void {
  const back = f32x4.splat(decay);
  const by = f32x4.splat(rate);
  for (const end = w + ((<usize>n) << 2); w < end; w += 16, mean += 16, scale += 16, g += 16) {
    const x = v128.load(w);
    const step = f32x4.mul(f32x4.mul(by, v128.load(scale)), v128.load(g));
    v128.store(w, f32x4.add(x, f32x4.sub(f32x4.mul(back, f32x4.sub(v128.load(mean), x)), step)));
  }
}
