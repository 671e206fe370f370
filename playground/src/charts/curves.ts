/** @module Two curves of held-out loss, drawn by uPlot, with words for those who do not see them. */
import "uplot/dist/uPlot.min.css";
import type uPlot from "uplot";
import { h } from "../dom.ts";
import { colour, colours } from "../theme.ts";
import type { Curve } from "../training/runner.ts";

const HEIGHT = 260;

export interface Line {
  readonly label: string;
  readonly colour: string;
  readonly dash?: number[];
}

/** What the horizontal axis says, and where it ends: curves grow into it. */
export interface Horizontal {
  readonly label: string;
  readonly end: number;
}

/** A chart whose curves are redrawn by `show`, where they have a point more. */
export function curves(lines: readonly Line[], { label, end }: Horizontal, signal: AbortSignal) {
  const canvas = h("div", { class: "canvas" });
  const element = h("div", { class: "chart", role: "img", "aria-label": "No points yet" }, canvas);
  let plot: uPlot | undefined;
  let Plot: typeof uPlot | undefined;
  let latest: readonly Curve[] = lines.map(() => ({ epochs: [], bits: [] }));
  let asked = 0;
  const data = () => Plot!.join(latest.map(({ epochs, bits }) => [epochs.slice(), bits.slice()]));
  const make = () => {
    plot?.destroy();
    plot = Plot && new Plot(optionsOf(lines, { label, end }, element.clientWidth || 320), data(), canvas);
  };
  // A first visit does without it; where it cannot be had the words below the chart say the same.
  import("uplot").then(
    (loaded) => {
      Plot = loaded.default;
      // In a task of its own: a frame may come between reading the library and drawing with it.
      setTimeout(() => signal.aborted || plot || make());
    },
    () => element.setAttribute("hidden", ""),
  );
  const resized = new ResizeObserver(() => {
    if (!plot) make();
    else if (element.clientWidth > 0) plot.setSize({ width: element.clientWidth, height: HEIGHT });
  });
  resized.observe(element);
  colours.watch(signal, () => plot && make());
  signal.addEventListener("abort", () => {
    resized.disconnect();
    cancelAnimationFrame(asked);
    plot?.destroy();
  });
  const show = (found: readonly Curve[], said: string) => {
    latest = found;
    if (element.getAttribute("aria-label") !== said) element.setAttribute("aria-label", said);
    const points = found.map(({ epochs }) => `${epochs.length} to ${epochs.at(-1)?.toFixed(2)}`).join(", ");
    if (element.dataset.points === points) return;
    element.dataset.points = points;
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(() => plot?.setData(data()));
  };
  return { element, show };
}

function optionsOf(
  lines: readonly Line[],
  { label: horizontal, end }: Horizontal,
  width: number,
): uPlot.Options {
  const ink = colour("--quiet");
  const grid = { stroke: colour("--line"), width: 1 };
  const font = "12px system-ui, sans-serif";
  const axis = { stroke: ink, grid, ticks: { show: false }, font, labelFont: font };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { points: { size: 7 }, drag: { x: false, y: false } },
    scales: { x: { time: false, range: [0, end] } },
    axes: [
      { ...axis, label: horizontal, labelSize: 18, size: 34 },
      { ...axis, size: 44, values: (_, values) => values.map((value) => value.toFixed(1)) },
    ],
    // What the second curve lies above the first by.
    bands: lines.length > 1 ? [{ series: [2, 1], fill: colour("--gap") }] : [],
    series: [
      {},
      ...lines.map(({ label, colour: name, dash }) => ({
        label,
        stroke: colour(name),
        width: 2.25,
        dash,
        spanGaps: true,
        points: { show: false },
      })),
    ],
  };
}
