/**
 * How loss falls with tokens, and what shards cost: fitted to measured runs.
 *
 * One machine: L(n) = floor + slope · n^(−power). A run of S shards at n tokens has the loss of one machine at e · n
 * tokens, with e = 1 / (1 + drift · (S − 1)^spread · j^reach): j is the number of tokens that a job reads between two
 * merges. One shard has e = 1, whatever j.
 */
export interface Measured {
  readonly shards: number;
  readonly jobTokens: number;
  readonly tokens: number;
  /** Held out, nats a token. */
  readonly loss: number;
}

export interface Curve {
  readonly floor: number;
  readonly slope: number;
  readonly power: number;
}

export interface Drift {
  readonly drift: number;
  readonly spread: number;
  readonly reach: number;
}

export function lossAt({ floor, slope, power }: Curve, tokens: number): number {
  return floor + slope * tokens ** -power;
}

/** @returns null where the curve never comes so low */
export function tokensFor({ floor, slope, power }: Curve, loss: number): number | null {
  return loss > floor ? ((loss - floor) / slope) ** (-1 / power) : null;
}

export function efficiency({ drift, spread, reach }: Drift, shards: number, jobTokens: number): number {
  return shards === 1 ? 1 : 1 / (1 + drift * (shards - 1) ** spread * jobTokens ** reach);
}

/** Least squares over a grid of powers: floor and slope are linear given the power. */
export function fitCurve(points: readonly Measured[]): Curve {
  let best: Curve & { error: number } = { floor: 0, slope: 0, power: 0, error: Number.POSITIVE_INFINITY };
  for (let power = 0.05; power <= 1; power += 0.01) {
    const { intercept, slope } = line(
      points.map(({ tokens }) => tokens ** -power),
      points.map(({ loss }) => loss),
    );
    const curve = { floor: intercept, slope, power };
    const error = points.reduce((sum, { tokens, loss }) => sum + (lossAt(curve, tokens) - loss) ** 2, 0);
    if (intercept >= 0 && error < best.error) best = { ...curve, error };
  }
  const { floor, slope, power } = best;
  return { floor, slope, power };
}

/** Least squares of the logarithm of 1/e − 1 over those of S − 1 and j, each exponent held to 0 to 1. */
export function fitDrift(curve: Curve, points: readonly Measured[]): Drift {
  const rows = points.flatMap(({ shards, jobTokens, tokens, loss }) => {
    const alone = tokensFor(curve, loss);
    if (shards === 1 || alone === null) return [];
    const excess = Math.max(tokens / alone - 1, 1e-3);
    return [[Math.log(shards - 1), Math.log(jobTokens), Math.log(excess)]];
  });
  if (rows.length === 0) return { drift: 0, spread: 0, reach: 0 };
  const { best } = grid().reduce(
    (found, { spread, reach }) => {
      const rests = rows.map(([s, j, y]) => y - spread * s - reach * j);
      const level = rests.reduce((a, b) => a + b, 0) / rests.length;
      const error = rests.reduce((sum, rest) => sum + (rest - level) ** 2, 0);
      return error < found.error ? { error, best: { drift: Math.exp(level), spread, reach } } : found;
    },
    { error: Number.POSITIVE_INFINITY, best: { drift: 0, spread: 0, reach: 0 } },
  );
  return best;
}

function grid(): { spread: number; reach: number }[] {
  const steps = Array.from({ length: 21 }, (_, i) => i / 20);
  return steps.flatMap((spread) => steps.map((reach) => ({ spread, reach })));
}

function line(xs: readonly number[], ys: readonly number[]): { intercept: number; slope: number } {
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const [x, y] = [mean(xs), mean(ys)];
  const spread = xs.reduce((sum, value) => sum + (value - x) ** 2, 0);
  const slope = xs.reduce((sum, value, i) => sum + (value - x) * (ys[i] - y), 0) / spread;
  return { intercept: y - slope * x, slope };
}
