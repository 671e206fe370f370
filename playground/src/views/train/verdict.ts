/** @module What the two curves say, in words. */
import type { Duel } from "../../training/duel.ts";
import type { Curve } from "../../training/runner.ts";

const times = (epoch: number) => `${epoch.toFixed(1)} readings`;

function best({ epochs, bits }: Curve): { bits: number; epoch: number } {
  let at = 0;
  for (let i = 1; i < bits.length; i++) if (bits[i] < bits[at]) at = i;
  return { bits: bits[at], epoch: epochs[at] };
}

/** A curve counts as turned where it ends this much above its lowest point. */
const TURNED = 0.02;

export function verdict({ own, rival }: Duel): string {
  const svi = own.curve.bits.at(-1);
  if (svi === undefined) return "";
  const ml = rival?.curve.bits.at(-1);
  if (!rival || ml === undefined) return `SVI is at ${svi.toFixed(2)} bits.`;
  const lowest = best(rival.curve);
  const gap = ml - svi;
  const ahead =
    Math.abs(gap) < 0.005
      ? `Both are at ${svi.toFixed(2)} bits.`
      : `${gap > 0 ? "SVI" : "Maximum likelihood"} is ahead by ${Math.abs(gap).toFixed(2)} bits: SVI ${svi.toFixed(2)}, maximum likelihood ${ml.toFixed(2)}.`;
  if (ml < lowest.bits + TURNED) return ahead;
  return `${ahead} Maximum likelihood was at its best, ${lowest.bits.toFixed(2)}, after ${times(lowest.epoch)}; since then it learns the text by heart.`;
}
