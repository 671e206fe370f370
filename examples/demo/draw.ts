/** @module What the demo draws in a terminal: curves, reliability, text shaded by uncertainty. */
import asciichart from "asciichart";
import type { ReliabilityBin } from "../../src/entries/index.ts";

export interface Curve {
  readonly tokens: number[];
  readonly bits: number[];
}

export interface ShadedPiece {
  readonly text: string;
  /** Nats. */
  readonly entropy: number;
  readonly mutualInformation: number;
}

const colourful = !process.env.NO_COLOR;
const paint = (code: string, text: string) => (colourful ? `\x1b[${code}m${text}\x1b[0m` : text);

/** Two curves over tokens, the first one in green, the second in yellow. */
export function drawCurves(curves: Record<string, Curve>): string {
  const WIDTH = 60;
  const names = Object.keys(curves);
  const last = Math.max(...names.map((n) => curves[n].tokens.at(-1) ?? 1));
  const series = names.map((n) =>
    Array.from({ length: WIDTH }, (_, i) => valueAt(curves[n], ((i + 1) / WIDTH) * last)),
  );
  const colors = colourful ? [asciichart.green, asciichart.yellow] : undefined;
  const plot = asciichart.plot(series, {
    height: 12,
    colors,
    format: (x: number) => x.toFixed(2).padStart(7),
  });
  const legend = names.map((n, i) => paint(i === 0 ? "32" : "33", `── ${n}`)).join("   ");
  return `${plot}\n        0${`${Math.round(last / 1000)}k characters read`.padStart(WIDTH)}\n        ${legend}`;
}

/** Linear between the points, flat before the first. */
function valueAt({ tokens, bits }: Curve, at: number): number {
  const next = tokens.findIndex((t) => t >= at);
  if (next <= 0) return next === 0 ? bits[0] : bits[bits.length - 1];
  const share = (at - tokens[next - 1]) / (tokens[next] - tokens[next - 1]);
  return bits[next - 1] + share * (bits[next] - bits[next - 1]);
}

/** A line per bin of confidence that holds tokens: how often it was right, beside how often it claimed to be. */
export function drawReliability(bins: readonly ReliabilityBin[]): string {
  const WIDTH = 40;
  const total = bins.reduce((n, b) => n + b.tokens, 0);
  const lines = bins
    .filter((b) => b.tokens > 0)
    .map(({ tokens, confidence, accuracy }) => {
      const right = Math.round(accuracy * WIDTH);
      const claimed = Math.min(WIDTH - 1, Math.round(confidence * WIDTH));
      const bar = Array.from({ length: WIDTH }, (_, i) => (i === claimed ? "│" : i < right ? "█" : "·")).join(
        "",
      );
      const share = `${((100 * tokens) / total).toFixed(0)} %`.padStart(5);
      return `  said ${(100 * confidence).toFixed(0).padStart(3)} %  ${bar}  right ${(100 * accuracy).toFixed(0).padStart(3)} %  (${share} of characters)`;
    });
  return lines.join("\n");
}

/** Ground colours from none to dark red, for entropies of 0 to 3 nats. */
const GROUNDS = ["", "48;5;236", "48;5;52", "48;5;88", "48;5;124", "48;5;160"];

/** Wraps at 76 columns; each piece on a ground that says how unsure the model was. */
export function drawText(prompt: string, pieces: readonly ShadedPiece[]): string {
  let column = prompt.length;
  let out = paint("1", prompt);
  for (const { text, entropy } of pieces) {
    const ground = GROUNDS[Math.min(GROUNDS.length - 1, Math.floor(entropy * 2))];
    for (const symbol of text) {
      if (symbol === "\n" || (symbol === " " && column > 76)) {
        out += "\n";
        column = 0;
      } else {
        out += ground ? paint(ground, symbol) : symbol;
        column++;
      }
    }
  }
  const legend = GROUNDS.map((ground, i) =>
    ground ? paint(ground, ` ${(i / 2).toFixed(1)} `) : " 0.0 ",
  ).join("");
  return `${out}\n\n${legend} nats of entropy and more`;
}
