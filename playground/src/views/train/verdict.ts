/** @module What the two curves say, in words. */
import type { Duel } from "../../training/duel.ts";
import type { Curve } from "../../training/runner.ts";

const times = (epoch: number) => `${epoch.toFixed(1)} readings`;

/** Points of a curve that one figure is made of: single ones go up and down. */
const SMOOTH = 5;
/** A curve counts as turned where it ends this much above its lowest part, and that was this many readings ago. */
const TURNED = { bits: 0.02, readings: 1 };

/** The mean of the points that end at `end`. */
function mean(bits: readonly number[], end: number): number {
  const points = bits.slice(Math.max(0, end + 1 - SMOOTH), end + 1);
  return points.reduce((sum, one) => sum + one, 0) / points.length;
}

/** Where a curve was lowest, if it has turned up since. */
function turn({ epochs, bits }: Curve): { bits: number; epoch: number } | null {
  const last = bits.length - 1;
  let [at, lowest] = [last, mean(bits, last)];
  for (let i = Math.min(SMOOTH - 1, last); i < last; i++)
    if (mean(bits, i) < lowest) [at, lowest] = [i, mean(bits, i)];
  const turned = mean(bits, last) > lowest + TURNED.bits && epochs[last] > epochs[at] + TURNED.readings;
  return turned ? { bits: lowest, epoch: epochs[at] } : null;
}

export function verdict({ own, rival }: Duel): string {
  const svi = own.curve.bits.at(-1);
  if (svi === undefined) return "";
  const ml = rival?.curve.bits.at(-1);
  if (!rival || ml === undefined) return `SVI is at ${svi.toFixed(2)} bits.`;
  const turned = turn(rival.curve);
  const gap = ml - svi;
  const ahead =
    Math.abs(gap) < 0.005
      ? `Both are at ${svi.toFixed(2)} bits.`
      : `${gap > 0 ? "SVI" : "Maximum likelihood"} is ahead by ${Math.abs(gap).toFixed(2)} bits: SVI ${svi.toFixed(2)}, maximum likelihood ${ml.toFixed(2)}.`;
  if (!turned) return ahead;
  return `${ahead} Maximum likelihood was at its best, ${turned.bits.toFixed(2)}, after ${times(turned.epoch)}; since then it learns the text by heart.`;
}
