/** @module Curves over seconds, as lines of text. */
import { plot } from "asciichart";
import type { Point } from "./racer.ts";

const [WIDTH, HEIGHT] = [72, 14];
/** What asciichart draws a line with, one a curve in place of colours: a file has none. */
const STROKES = ["·", "•", "+"];

export interface Curve {
  readonly name: string;
  readonly points: readonly Point[];
}

/** All curves on one scale of time; each begins with its first validation and stays where it ended. */
export function drawn(curves: readonly Curve[]): string {
  const shown = curves.filter(({ points }) => points.length > 0);
  const end = Math.max(...shown.map(({ points }) => points[points.length - 1][0]));
  const all = shown.flatMap(({ points }) => points.map(([, , nll]) => nll)).sort((a, b) => a - b);
  // The steep beginning would flatten all that differs.
  const most = all[Math.floor(0.85 * (all.length - 1))];
  const charts = shown.map(({ points }, i) => {
    const series = Array.from({ length: WIDTH }, (_, x) => at(points, ((x + 1) / WIDTH) * end, most));
    const chart = plot([series], {
      height: HEIGHT,
      min: all[0],
      max: most,
      format: (x) => x.toFixed(3).padStart(8),
    });
    return chart.replace(/[─╭╮╯╰│]/g, STROKES[i]).split("\n");
  });
  const rows = charts[0].map((line, y) => overlaid(charts.map((chart) => chart[y] ?? line)));
  const key = shown.map(({ name }, i) => `${STROKES[i]} ${name}`).join("   ");
  return `${rows.join("\n")}\n${" ".repeat(10)}0 to ${end.toFixed(1)} s   ${key}`;
}

function at(points: readonly Point[], seconds: number, most: number): number {
  const nll = points.findLast(([own]) => own <= seconds)?.[2] ?? points[0][2];
  return Math.min(nll, most);
}

/** Later lines over earlier ones, where they have something to show. */
function overlaid(lines: readonly string[]): string {
  const width = Math.max(...lines.map((line) => line.length));
  return Array.from({ length: width }, (_, x) =>
    lines.reduce((shown, line) => (line[x] && line[x] !== " " ? line[x] : shown), " "),
  ).join("");
}
