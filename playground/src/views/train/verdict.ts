/** @module What the two curves say, in words. */
import { apart } from "../../parts/figures.ts";
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

/** Both curves where both have a point: one of them may have read more by now. */
function together(own: Curve, rival: Curve | undefined): { svi: number; ml: number; epoch: number } | null {
  const last = Math.min(own.bits.length, rival?.bits.length ?? 0) - 1;
  return rival && last >= 0 ? { svi: own.bits[last], ml: rival.bits[last], epoch: own.epochs[last] } : null;
}

export function verdict({ own, rival }: Duel): string {
  const alone = own.curve.bits.at(-1);
  if (alone === undefined) return "";
  const both = together(own.curve, rival?.curve);
  if (!rival || !both) return `SVI is at ${alone.toFixed(2)} bits.`;
  const { svi, ml, epoch } = both;
  const turned = turn(rival.curve);
  const { gap, nearer } = apart(svi, ml);
  const ahead = nearer
    ? `After ${times(epoch)} ${nearer === "first" ? "SVI" : "maximum likelihood"} is ahead by ${gap} bits: SVI ${svi.toFixed(2)}, maximum likelihood ${ml.toFixed(2)}.`
    : `After ${times(epoch)} both are at ${svi.toFixed(2)} bits.`;
  if (!turned) return ahead;
  return `${ahead} Maximum likelihood was at its best, ${turned.bits.toFixed(2)}, after ${times(turned.epoch)}; since then it learns the text by heart.`;
}
