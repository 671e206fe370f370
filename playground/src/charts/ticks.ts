/** @module What the ticks of an axis say. */

const MOST_DECIMALS = 4;

/** As many decimals for all as the finest needs, one at least: steps of a quarter would look uneven with one. */
export function tickLabels(values: readonly number[]): string[] {
  let decimals = 1;
  while (
    decimals < MOST_DECIMALS &&
    values.some((value) => Number(value.toFixed(decimals)) !== Number(value.toFixed(MOST_DECIMALS)))
  )
    decimals++;
  return values.map((value) => value.toFixed(decimals));
}
