/** @module Numbers and times as people read them. */

export const whole = (value: number): string => Math.round(value).toLocaleString("en");

/** How far apart two figures are as they are shown, with two decimals; `nearer` is the smaller one, or null for none. */
export function apart(first: number, second: number): { gap: string; nearer: "first" | "second" | null } {
  const gap = Number(second.toFixed(2)) - Number(first.toFixed(2));
  return {
    gap: Math.abs(gap).toFixed(2),
    nearer: Math.abs(gap) < 0.005 ? null : gap > 0 ? "first" : "second",
  };
}

export const percent = (part: number): string => `${(part * 100).toFixed(0)} %`;

export function duration(exact: number): string {
  const seconds = Math.ceil(exact);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** Text as it is shown where a space or a line's end would not be seen. */
export function visible(text: string): string {
  return text.replaceAll("\n", "⏎").replaceAll("\t", "⇥").replaceAll(" ", "␣");
}
