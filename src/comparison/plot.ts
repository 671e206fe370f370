/** @module Plots as SVG text, without scripts, for a file that stands alone. */

export interface Line {
  readonly name: string;
  readonly colour: string;
  readonly dashed?: boolean;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface PlotOptions {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Places of labels on x; round numbers where not given. */
  readonly xTicks?: readonly number[];
  /** Range of y; from the lines where not given. */
  readonly yRange?: readonly [number, number];
  readonly xRange?: readonly [number, number];
  readonly formatX?: (x: number) => string;
  readonly formatY?: (y: number) => string;
  /** A level with a name, such as a target. */
  readonly level?: { readonly y: number; readonly name: string };
  readonly dots?: boolean;
}

const [WIDTH, HEIGHT] = [560, 340];
const BOX = { left: 62, right: WIDTH - 14, top: 34, bottom: HEIGHT - 46 };

/** A chart of lines. Its text is escaped. */
export function plot(lines: readonly Line[], options: PlotOptions): string {
  const points = lines.flatMap((line) => line.points).filter(([x, y]) => Number.isFinite(x + y));
  const [x0, x1] = options.xRange ?? range(points.map(([x]) => x));
  const [y0, y1] = options.yRange ?? padded(range(points.map(([, y]) => y)));
  const px = (x: number) => BOX.left + ((x - x0) / (x1 - x0)) * (BOX.right - BOX.left);
  const py = (y: number) => BOX.bottom - ((y - y0) / (y1 - y0)) * (BOX.bottom - BOX.top);
  const xTicks = options.xTicks ?? ticks(x0, x1);
  const parts = [
    ...ticks(y0, y1).map((y) => horizontal(py(y), (options.formatY ?? short)(y))),
    ...xTicks.map((x) => vertical(px(x), (options.formatX ?? short)(x))),
    options.level ? levelLine(py(options.level.y), options.level.name) : "",
    ...lines.map((line) => curve(line, px, py, options.dots === true)),
  ];
  return `<figure><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(options.title)}">
<text class="title" x="${BOX.left}" y="18">${escaped(options.title)}</text>
<clipPath id="box"><rect x="${BOX.left}" y="${BOX.top}" width="${BOX.right - BOX.left}" height="${BOX.bottom - BOX.top}"/></clipPath>
${parts.join("\n")}
<rect class="frame" x="${BOX.left}" y="${BOX.top}" width="${BOX.right - BOX.left}" height="${BOX.bottom - BOX.top}"/>
<text x="${(BOX.left + BOX.right) / 2}" y="${HEIGHT - 10}" text-anchor="middle">${escaped(options.xLabel)}</text>
<text transform="translate(14 ${(BOX.top + BOX.bottom) / 2}) rotate(-90)" text-anchor="middle">${escaped(options.yLabel)}</text>
</svg></figure>`;
}

function curve(
  { points, colour, dashed, name }: Line,
  px: (x: number) => number,
  py: (y: number) => number,
  dots: boolean,
): string {
  const at = points
    .filter(([x, y]) => Number.isFinite(x + y))
    .map(([x, y]) => [px(x).toFixed(1), py(y).toFixed(1)]);
  const line = `<polyline clip-path="url(#box)" points="${at.map((p) => p.join(",")).join(" ")}" fill="none" stroke="${colour}" stroke-width="2"${dashed ? ' stroke-dasharray="5 4"' : ""}><title>${escaped(name)}</title></polyline>`;
  if (!dots) return line;
  return line + at.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="3" fill="${colour}"/>`).join("");
}

function horizontal(y: number, label: string): string {
  return `<line class="grid" x1="${BOX.left}" x2="${BOX.right}" y1="${y}" y2="${y}"/><text class="tick" x="${BOX.left - 6}" y="${y + 4}" text-anchor="end">${escaped(label)}</text>`;
}

function vertical(x: number, label: string): string {
  return `<line class="grid" x1="${x}" x2="${x}" y1="${BOX.top}" y2="${BOX.bottom}"/><text class="tick" x="${x}" y="${BOX.bottom + 17}" text-anchor="middle">${escaped(label)}</text>`;
}

function levelLine(y: number, name: string): string {
  return `<line class="level" x1="${BOX.left}" x2="${BOX.right}" y1="${y}" y2="${y}"/><text class="tick" x="${BOX.right - 4}" y="${y - 5}" text-anchor="end">${escaped(name)}</text>`;
}

/** About five round numbers within a range. */
export function ticks(low: number, high: number): number[] {
  const raw = (high - low) / 5;
  let power = 1;
  while (power > raw) power /= 10;
  while (10 * power <= raw) power *= 10;
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= raw) ?? raw;
  const out: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++)
    out.push(Number((i * step).toPrecision(12)));
  return out;
}

function range(values: readonly number[]): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return high > low ? [low, high] : [low - 1, low + 1];
}

function padded([low, high]: readonly [number, number]): [number, number] {
  return [low - 0.05 * (high - low), high + 0.05 * (high - low)];
}

function short(value: number): string {
  if (Math.abs(value) >= 1e6) return `${Number((value / 1e6).toPrecision(3))} M`;
  if (Math.abs(value) >= 1e4) return `${Number((value / 1e3).toPrecision(3))} k`;
  return String(Number(value.toPrecision(4)));
}

export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]!);
}

/** A plot as a file of its own, on a white ground. */
export function standalone(figure: string): string {
  const svg = figure.slice(figure.indexOf("<svg"), figure.indexOf("</svg>"));
  const size = `xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}"`;
  const style =
    "svg{background:#fff;font:12px sans-serif}.title{font-weight:600;font-size:14px}.tick{fill:#5b6570;font-size:11px}" +
    ".grid{stroke:#dfe3e8}.frame{fill:none;stroke:#5b6570}.level{stroke:#1b1f24;stroke-dasharray:2 3}";
  return `${svg.replace("<svg", `<svg ${size}`).replace(">", `><style>${style}</style>`)}</svg>\n`;
}
