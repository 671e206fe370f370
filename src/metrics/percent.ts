/** @module How a percentage is shown. */

/**
 * Rounded half away from zero, as sclite and people do: `percent(6.25)` is "6.3".
 * @param value in per cent; null where there is none
 */
export function percent(value: number | null, digits = 1): string {
  if (value === null) return "none";
  let scale = 1;
  for (let i = 0; i < digits; i++) scale *= 10;
  const rounded = Math.floor(Math.abs(value) * scale + 0.5) / scale;
  return (value < 0 && rounded > 0 ? -rounded : rounded).toFixed(digits);
}
