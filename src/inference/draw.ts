/** @module A draw of all weights from a diagonal normal, the same for guides and for prediction. */
import type { KernelExports } from "../kernels/generated/signatures.ts";
import type { Seed } from "../kernels/random.ts";
import type { Layout, Segment } from "../model/layout.ts";
import { PART, type Slices, Work } from "../model/work.ts";
import type { Sparse } from "./ranges.ts";

/** Operations that take as long as one normal deviate. */
const DEVIATE = 150;

/** Addresses of flat vectors, and the deviation scale / √(h + delta): for a posterior h is its precision. */
export interface NaturalDraw {
  readonly theta: number;
  readonly mean: number;
  readonly h: number;
  readonly delta: number;
  readonly scale: number;
}

/** What numbers the draw: a stream, a step (or sample) within it, and a particle of the step. */
export interface DrawNumber {
  readonly seed: Seed;
  readonly step: number;
  readonly stream: number;
  readonly particle: number;
}

/**
 * theta = mean + scale ε / √(h + delta); biases, and everything where the scale is 0, are the mean's.
 * @param some segment of which only what is read has to be drawn: numbers depend on their place alone
 */
export function* drawNatural(
  k: KernelExports,
  layout: Layout,
  draw: NaturalDraw,
  number: DrawNumber,
  some: Sparse | null = null,
): Slices {
  const work = new Work();
  for (const s of layout.segments)
    if (s === some?.segment)
      for (const { from, size, read } of some.ranges) {
        if (!read) continue;
        drawPart(k, s, from, size, draw, number);
        yield* work.spend(DEVIATE * size);
      }
    else
      yield* work.parts(s.size, PART, DEVIATE, (from, size) => {
        drawPart(k, s, from, size, draw, number);
      });
}

/** `from` counts from the segment's beginning and is a multiple of 16. */
function drawPart(
  k: KernelExports,
  { offset, bias }: Segment,
  from: number,
  size: number,
  draw: NaturalDraw,
  { seed, step, stream, particle }: DrawNumber,
): void {
  const at = 4 * (offset + from);
  const [theta, mean] = [draw.theta + at, draw.mean + at];
  if (bias || draw.scale === 0) k.copyBytes(theta, mean, 4 * size);
  else
    k.sampleNatural(
      theta,
      mean,
      draw.h + at,
      size,
      draw.delta,
      draw.scale,
      offset + from,
      seed.low,
      seed.high,
      step,
      stream,
      particle,
    );
}

/** The same for one segment, at whose weights the addresses point. */
export function drawSegment(
  k: KernelExports,
  { size, offset, bias }: Segment,
  { theta, mean, h, delta, scale }: NaturalDraw,
  { seed, step, stream, particle }: DrawNumber,
): void {
  if (bias || scale === 0) k.copyBytes(theta, mean, 4 * size);
  else
    k.sampleNatural(theta, mean, h, size, delta, scale, offset, seed.low, seed.high, step, stream, particle);
}
