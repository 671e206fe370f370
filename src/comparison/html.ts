/** @module The report a person opens: one file with tables, curves and a verdict in plain words. */

import { type MethodName, TITLES } from "./methods.ts";
import { escaped, type Line, plot } from "./plot.ts";
import type { MethodRuns } from "./protocol.ts";
import type { ComparisonReport, CorpusReport } from "./report.ts";
import { average } from "./statistics.ts";
import { testFigures } from "./summary.ts";

const COLOURS: Readonly<Record<MethodName, string>> = {
  sgd: "#8c6d31",
  adam: "#d62728",
  adamw: "#ff7f0e",
  map: "#e377c2",
  "adam-average": "#f7a08a",
  "adam-four": "#3d3d3d",
  dropout: "#9467bd",
  "dropout-adamw": "#c5a3e0",
  "dropout-map": "#6a3d9a",
  bbb: "#7f7f7f",
  noiseless: "#aec7e8",
  ivon: "#1f77b4",
  "ivon-average": "#5254a3",
  "ivon-tuned": "#17becf",
  "ivon-short": "#2ca02c",
};

const STYLE = `:root{--ink:#1b1f24;--soft:#5b6570;--line:#dfe3e8;--ground:#fff;--panel:#f6f8fa}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ec;--soft:#9aa5b1;--line:#333b44;--ground:#14181d;--panel:#1c2229}}
body{font:16px/1.55 system-ui,sans-serif;color:var(--ink);background:var(--ground);margin:0 auto;max-width:1180px;padding:24px}
h1{font-size:1.7rem;margin:.2em 0}h2{margin:2em 0 .4em;border-top:1px solid var(--line);padding-top:1em}
p.lead,.note{color:var(--soft)}.verdict{background:var(--panel);border-left:4px solid #1f77b4;padding:.6em 1em;margin:1em 0}
.verdict p{margin:.35em 0}.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(380px,1fr));gap:14px}
figure{margin:0}svg{width:100%;height:auto;background:var(--panel);border-radius:6px;font:12px system-ui,sans-serif}
svg text{fill:var(--ink)}svg .title{font-weight:600;font-size:14px}svg .tick{fill:var(--soft);font-size:11px}
svg .grid{stroke:var(--line)}svg .frame{fill:none;stroke:var(--soft)}svg .level{stroke:var(--ink);stroke-dasharray:2 3}
.scroll{overflow-x:auto}table{border-collapse:collapse;margin:.8em 0;font-variant-numeric:tabular-nums}
th,td{padding:.3em .8em;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child{text-align:left}td small{color:var(--soft)}
.key{display:flex;flex-wrap:wrap;gap:.3em 1.2em;margin:.6em 0}.key i{display:inline-block;width:22px;height:4px;vertical-align:middle;margin-right:6px}`;

export function htmlReport(report: ComparisonReport): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escaped(report.title)}</title><style>${STYLE}</style></head><body>
<h1>${escaped(report.title)}</h1>
<p class="lead">${escaped(report.lead)}</p>
${report.corpora.length > 1 ? contents(report) : ""}
${report.corpora.map(section).join("\n")}
</body></html>
`;
}

function contents({ corpora }: ComparisonReport): string {
  const items = corpora.map(
    ({ name, verdict }, i) => `<li><a href="#c${i}">${escaped(name)}</a>: ${escaped(verdict[0])}</li>`,
  );
  return `<ul>${items.join("")}</ul>`;
}

function section(corpus: CorpusReport): string {
  const { name, setting, verdict, table, tuning, missing, index } = corpus;
  return `<h2 id="c${index}">${escaped(name)}</h2>
<p class="note">${escaped(setting)}</p>
<div class="verdict">${verdict.map((line) => `<p>${escaped(line)}</p>`).join("")}</div>
${missing.length ? `<p class="note">Not run yet: ${escaped(missing.join(", "))}.</p>` : ""}
<div class="key">${corpus.methods.map(({ name: n }) => `<span><i style="background:${COLOURS[n]}"></i>${escaped(TITLES[n])}</span>`).join("")}</div>
<div class="plots">${corpusPlots(corpus).join("")}</div>
${tableOf(table)}
<details><summary>What was tried in tuning</summary>${tableOf(tuning)}</details>`;
}

function tableOf([head, ...rows]: readonly (readonly string[])[]): string {
  const cells = (tag: string, row: readonly string[]) =>
    row.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join("");
  return `<div class="scroll"><table><thead><tr>${cells("th", head)}</tr></thead><tbody>${rows
    .map((row) => `<tr>${cells("td", row)}</tr>`)
    .join("")}</tbody></table></div>`;
}

/** The plots of one text, in the report's order. */
export function corpusPlots({ methods, unit, perToken, costs, target }: CorpusReport): string[] {
  const curves = methods.map((runs) => ({ runs, line: meanCurve(runs, perToken) }));
  const lines = curves.map(({ line }) => line);
  if (!lines.some(({ points }) => points.length)) return [];
  const yRange = rangeOf(lines);
  const level = target === null ? undefined : { y: target * perToken, name: "target" };
  const common = { yLabel: `${unit}, validation`, yRange, level };
  const overTokens = plot(lines, { ...common, title: "Learning, over tokens", xLabel: "tokens read" });
  const out = [overTokens];
  if (costs)
    out.push(
      plot(
        curves.map(({ runs, line }) => ({ ...line, points: scaled(line, costs(runs.name)) })),
        {
          ...common,
          title: "Learning, over time",
          xLabel: "seconds on one thread of the machine that measured",
        },
      ),
    );
  out.push(reliability(methods));
  const samples = samplesPlot(methods, unit, perToken);
  if (samples) out.push(samples);
  const long = methods.filter(({ long }) => long.some(({ record }) => record));
  if (long.length) {
    const lines = long.map((runs) => meanCurve({ ...runs, runs: runs.long }, perToken));
    const own = { ...common, yRange: rangeOf(lines), level: undefined };
    out.push(plot(lines, { ...own, title: "Three times the epochs", xLabel: "tokens read" }));
  }
  return out;
}

/** The steep beginning would flatten all that differs: the highest fifth is left out. */
function rangeOf(lines: readonly Line[]): [number, number] {
  const values = lines.flatMap(({ points }) => points.map(([, y]) => y)).sort((a, b) => a - b);
  const [low, high] = [values[0], values[Math.floor(0.8 * (values.length - 1))]];
  return [low - 0.05 * (high - low), high];
}

function scaled({ points }: Line, secondsPerToken: number): Line["points"] {
  return points.map(([x, y]) => [x * secondsPerToken, y]);
}

/** Mean over the seeds that have a record; all of a setting have the same points. */
function meanCurve({ name, runs }: Pick<MethodRuns, "name" | "runs">, perToken: number): Line {
  const records = runs.flatMap(({ record }) => record ?? []);
  const points = (records[0]?.curve ?? []).map(
    ({ tokens }, i) => [tokens, perToken * average(records.map((r) => r.curve[i].nll))] as const,
  );
  return { name: TITLES[name], colour: COLOURS[name], dashed: name === "bbb" || name === "sgd", points };
}

function reliability(methods: readonly MethodRuns[]): string {
  const shown = methods.filter(({ name, runs }) => name !== "bbb" && runs.some(({ record }) => record?.test));
  const diagonal = {
    name: "honest",
    colour: "#999",
    dashed: true,
    points: [
      [0, 0],
      [1, 1],
    ] as const,
  };
  const lines = shown.map(({ name, runs }) => {
    const bins = runs.flatMap(({ record }) => (record?.test ? [testFigures(record).reliability] : []));
    const points = bins[0].flatMap((_, b) => {
      const weight = bins.reduce((n, of) => n + of[b].tokens, 0);
      if (weight < 100) return [];
      const mean = (key: "confidence" | "accuracy") =>
        bins.reduce((sum, of) => sum + of[b][key] * of[b].tokens, 0) / weight;
      return [[mean("confidence"), mean("accuracy")] as const];
    });
    return { name: TITLES[name], colour: COLOURS[name], points };
  });
  return plot([diagonal, ...lines], {
    title: "Reliability, test text (below: overconfident)",
    xLabel: "confidence of the likeliest token",
    yLabel: "share that was right",
    xRange: [0, 1],
    yRange: [0, 1],
  });
}

function samplesPlot(methods: readonly MethodRuns[], unit: string, perToken: number): string | null {
  let labels: string[] = [];
  const lines = methods.flatMap(({ name, runs }) => {
    const tests = runs.flatMap(({ record }) =>
      record?.test && record.test.final.samples.length > 1 ? record.test.final : [],
    );
    if (tests.length === 0) return [];
    const points = tests[0].samples.map(
      (_, i) => [i, perToken * average(tests.map((test) => test.samples[i].nll))] as const,
    );
    labels = tests[0].samples.map(({ samples }) => (samples === 0 ? "mean" : String(samples)));
    return [{ name: TITLES[name], colour: COLOURS[name], points }];
  });
  if (lines.length === 0) return null;
  return plot(lines, {
    title: "Averaging over samples of the weights",
    xLabel: "samples",
    yLabel: `${unit}, test`,
    dots: true,
    xTicks: labels.map((_, i) => i),
    formatX: (x) => labels[x],
  });
}
