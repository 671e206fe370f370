/** @module Numbers and times as people read them. */

export const whole = (value: number): string => Math.round(value).toLocaleString("en");

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
