/**
 * @module The tuning protocol: a grid that is extended until its best value has a worse one on both sides, and above
 * it more of them where the axis asks for it.
 */
import { SviError } from "../errors.ts";

/** One value of a grid and what it came to; null where the run diverged. */
export interface Trial {
  readonly value: number;
  readonly score: number | null;
}

export interface Axis {
  readonly name: string;
  /** Rising values that are tried whatever they give. */
  readonly values: readonly number[];
  /** Beyond the grid's edges: the next smaller and the next larger value, null where there is none to try. */
  readonly smaller: (value: number) => number | null;
  readonly larger: (value: number) => number | null;
  /** So many worse values, or diverged ones, lie above the best in the end, default 1; 2 finds a second valley behind a ridge of one value. */
  readonly beyond?: number;
}

export interface Tuned {
  readonly axis: string;
  readonly best: number;
  /** In rising order of the values. */
  readonly trials: readonly Trial[];
  /** Whether the best value has a worse one on both sides, or a side that ends. */
  readonly inside: boolean;
}

/** So many values are tried beyond a grid at most: a loss that falls for ever is not the grid's fault. */
const EXTENSIONS = 6;

/** A grid of positive numbers that is extended by the same factor on both sides, on the upper one up to `most`. */
export function geometric(
  name: string,
  values: readonly number[],
  factor: number,
  { least = 0, most = Number.POSITIVE_INFINITY, beyond = 1 } = {},
): Axis {
  const smaller = (value: number) => (tidy(value / factor) >= least ? tidy(value / factor) : null);
  const larger = (value: number) => (value < most ? Math.min(tidy(value * factor), most) : null);
  return { name, values, smaller, larger, beyond };
}

/** Three digits: 0.006 · 2 · 2, not 0.024000000000000004. */
export function tidy(value: number): number {
  return Number(value.toPrecision(3));
}

/**
 * Tries the grid, then its neighbours beyond an edge as long as the best value lies on it, or too near the upper one.
 * @throws SviError `E_DIVERGED` where every value diverged
 */
export async function tune(axis: Axis, score: (value: number) => Promise<number | null>): Promise<Tuned> {
  const { name, beyond = 1 } = axis;
  const attempt = async (value: number): Promise<Trial> => ({ value, score: await score(value) });
  let trials = await Promise.all(axis.values.map(attempt));
  for (let extension = 0; ; extension++) {
    const at = bestOf(axis, trials);
    const { value: best } = trials[at];
    const last = trials.length - 1;
    const below = at === 0 ? axis.smaller(best) : null;
    const above = last - at < beyond ? axis.larger(trials[last].value) : null;
    const next = below ?? above;
    if (next === null) return { axis: name, best, trials, inside: true };
    if (extension === EXTENSIONS) return { axis: name, best, trials, inside: below === null && at < last };
    trials = [...trials, await attempt(next)].sort((a, b) => a.value - b.value);
  }
}

function bestOf({ name }: Axis, trials: readonly Trial[]): number {
  let best = -1;
  trials.forEach(({ score }, i) => {
    if (score !== null && (best < 0 || score < trials[best].score!)) best = i;
  });
  if (best < 0)
    throw new SviError("E_DIVERGED", `Every ${name} that was tried diverged`, {
      value: trials.map(({ value }) => value),
      remedy: "Try smaller ones",
    });
  return best;
}
