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

/** A chart whose curves are redrawn by `show`, at most once a frame. */
export function curves(lines: readonly Line[], horizontal: string, signal: AbortSignal) {
  const canvas = h("div", { class: "canvas" });
  const element = h("div", { class: "chart", role: "img", "aria-label": "No points yet" }, canvas);
  let plot: uPlot | undefined;
  let Plot: typeof uPlot | undefined;
  let data: uPlot.AlignedData = [[], ...lines.map(() => [])] as uPlot.AlignedData;
  let asked = 0;
  const make = () => {
    plot?.destroy();
    plot = Plot && new Plot(optionsOf(lines, horizontal, element.clientWidth || 320), data, canvas);
  };
  // A first visit does without it; where it cannot be had the words below the chart say the same.
  import("uplot").then(
    (loaded) => {
      Plot = loaded.default;
      if (!signal.aborted) make();
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
    if (Plot) data = Plot.join(found.map(({ epochs, bits }) => [epochs.slice(), bits.slice()]));
    element.setAttribute("aria-label", said);
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(() => plot?.setData(data));
  };
  return { element, show };
}

function optionsOf(lines: readonly Line[], horizontal: string, width: number): uPlot.Options {
  const ink = colour("--quiet");
  const grid = { stroke: colour("--line"), width: 1 };
  const font = "12px system-ui, sans-serif";
  const axis = { stroke: ink, grid, ticks: { show: false }, font, labelFont: font };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { points: { size: 7 }, drag: { x: false, y: false } },
    scales: { x: { time: false } },
    axes: [
      { ...axis, label: horizontal, labelSize: 18, size: 34 },
      { ...axis, size: 44, values: (_, values) => values.map((value) => value.toFixed(1)) },
    ],
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
