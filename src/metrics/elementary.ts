/** @module exp, log and roots of + − × ÷ alone, so that a score has the same bits on every engine. */

/** e to a power of at most 0, to within 1e-15: halved until its series is short, then squared. */
export function exp(power: number): number {
  if (power < -745) return 0;
  let x = power;
  let halvings = 0;
  for (; x < -0.25; halvings++) x /= 2;
  let term = 1;
  let sum = 1;
  for (let n = 1; n < 16; n++) {
    term *= x / n;
    sum += term;
  }
  for (; halvings > 0; halvings--) sum *= sum;
  return sum;
}

/** The n-th root of a number from 0 to 1, by Newton's method from above. */
export function root(value: number, n: number): number {
  if (value === 0) return 0;
  for (let r = 1; ; ) {
    let power = 1;
    for (let i = 1; i < n; i++) power *= r;
    const next = r - (r - value / power) / n;
    if (!(next < r)) return r;
    r = next;
  }
}

/** The natural logarithm of a number above 0, to within 1e-15: halved or doubled to near 1, then a series. */
export function log(value: number): number {
  let [x, doublings] = [value, 0];
  for (; x > 1.5; doublings++) x /= 2;
  for (; x < 0.75; doublings--) x *= 2;
  const t = (x - 1) / (x + 1);
  let [power, sum] = [t, t];
  for (let n = 3; n < 30; n += 2) {
    power *= t * t;
    sum += power / n;
  }
  return 2 * sum + doublings * Math.LN2;
}
