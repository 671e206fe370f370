/** @module Two curves of held-out loss, drawn by uPlot, with words for those who do not see them. */
import "uplot/dist/uPlot.min.css";
import type uPlot from "uplot";
import { h } from "../dom.ts";
import { colours, coloursOf } from "../theme.ts";
import type { Curve } from "../training/runner.ts";
import { tickLabels } from "./ticks.ts";

const HEIGHT = 260;
/** Milliseconds that points are waited for. */
const DRAW_AFTER = 300;

export interface Line {
  readonly label: string;
  readonly colour: string;
  readonly dash?: number[];
}

/** What the axes say, and where the horizontal one ends: curves grow into it. */
export interface Axes {
  readonly horizontal: string;
  readonly vertical: string;
  readonly end: number;
}

/** A chart whose curves are redrawn by `show`, where they have a point more. */
export function curves(lines: readonly Line[], axes: Axes, signal: AbortSignal) {
  const canvas = h("div", { class: "canvas" });
  const element = h("div", { class: "chart", role: "img", "aria-label": "No points yet" }, canvas);
  let plot: uPlot | undefined;
  let Plot: typeof uPlot | undefined;
  let latest: readonly Curve[] = lines.map(() => ({ epochs: [], bits: [] }));
  let asked: ReturnType<typeof setTimeout> | undefined;
  const data = () => Plot!.join(latest.map(({ epochs, bits }) => [epochs.slice(), bits.slice()]));
  const make = () => {
    plot?.destroy();
    plot = Plot && new Plot(optionsOf(lines, axes, element.clientWidth || 320), data(), canvas);
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
    clearTimeout(asked);
    plot?.destroy();
  });
  const show = (found: readonly Curve[], said: string) => {
    latest = found;
    if (element.getAttribute("aria-label") !== said) element.setAttribute("aria-label", said);
    const points = found.map(({ epochs }) => `${epochs.length} to ${epochs.at(-1)?.toFixed(2)}`).join(", ");
    if (element.dataset.points === points) return;
    element.dataset.points = points;
    // Points of both curves come close together, and are drawn at once.
    asked ??= setTimeout(() => {
      asked = undefined;
      plot?.setData(data());
    }, DRAW_AFTER);
  };
  return { element, show };
}

const countOf = (values: ArrayLike<number | null | undefined>): number =>
  Array.from(values).filter((value) => typeof value === "number").length;

function optionsOf(
  lines: readonly Line[],
  { horizontal, vertical, end }: Axes,
  width: number,
): uPlot.Options {
  const palette = coloursOf(["--quiet", "--line", "--gap", ...lines.map((line) => line.colour)]);
  const ink = palette["--quiet"];
  const grid = { stroke: palette["--line"], width: 1 };
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
      {
        ...axis,
        label: vertical,
        labelSize: 18,
        size: 40,
        values: (_, values) => tickLabels(values),
      },
    ],
    // What the second curve lies above the first by.
    bands: lines.length > 1 ? [{ series: [2, 1], fill: palette["--gap"] }] : [],
    series: [
      {},
      ...lines.map(({ label, colour: name, dash }) => ({
        label,
        stroke: palette[name],
        width: 2.25,
        dash,
        spanGaps: true,
        // One point is not a line yet.
        points: {
          show: (plot: uPlot, series: number) => countOf(plot.data[series]) === 1,
          size: 6,
          fill: palette[name],
        },
      })),
    ],
  };
}
