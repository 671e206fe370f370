/** @module How well a number tells two sets apart, and what abstaining is worth. */

/** Probability that an unusual one is above a usual one. */
export function auroc(unusual: readonly number[], usual: readonly number[]): number {
  const all = [...unusual.map((x) => ({ x, is: 1 })), ...usual.map((x) => ({ x, is: 0 }))].sort(
    (a, b) => a.x - b.x,
  );
  let ranks = 0;
  for (let i = 0; i < all.length; ) {
    let end = i;
    while (end < all.length && all[end].x === all[i].x) end++;
    for (let k = i; k < end; k++) ranks += all[k].is * ((i + end + 1) / 2);
    i = end;
  }
  return (ranks - (unusual.length * (unusual.length + 1)) / 2) / (unusual.length * usual.length);
}

/** Area under the mean loss of what is kept, the surest first, over all shares that may be kept. */
export function riskCoverage(losses: readonly number[], doubts: readonly number[]): number {
  const order = losses.map((_, i) => i).sort((a, b) => doubts[a] - doubts[b]);
  let [sum, area] = [0, 0];
  for (const [kept, i] of order.entries()) {
    sum += losses[i];
    area += sum / (kept + 1);
  }
  return area / losses.length;
}

export const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
