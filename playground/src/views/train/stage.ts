/** @module A run as it is looked at: progress, curves, and what both models write. */
import { curves } from "../../charts/curves.ts";
import { h, replace, say } from "../../dom.ts";
import { current } from "../../engine/current.ts";
import { duration, whole } from "../../parts/figures.ts";
import { type Action, noticeOf } from "../../parts/notice.ts";
import { type Duel, duel, type Phase, show } from "../../training/duel.ts";
import type { Runner } from "../../training/runner.ts";
import { watchTab } from "../../training/tab.ts";
import { verdict } from "./verdict.ts";

const PHASES: Record<Phase, string> = {
  idle: "",
  preparing: "Reading the text…",
  running: "Training",
  paused: "Paused",
  lost: "Interrupted",
  done: "Done",
  failed: "Stopped",
};

/** Milliseconds between two figures of speed. */
const FIGURES_EVERY = 1000;

export function stage(run: Duel, signal: AbortSignal): HTMLElement {
  const state = h("strong", {});
  const bar = h("progress", { max: 1, value: 0, "aria-label": "Part of the training that is done" });
  const figures = h("span", { class: "figures" });
  const pause = h(
    "button",
    { type: "button", on: { click: () => run.pause(run.phase !== "paused") } },
    "Pause",
  );
  const stop = h("button", { type: "button", on: { click: () => run.stop() } }, "Stop");
  const presses = h("div", { class: "row presses" }, pause, stop);
  const next = h(
    "p",
    { class: "row next", hidden: true },
    to("Write with it", "write", "main"),
    to("Score a text", "score", "quiet"),
    to("Keep it", "keep", "quiet"),
  );
  const trouble = h("div", {});
  const said = h("p", { class: "verdict", role: "status" });
  const lines = [
    { label: "SVI", colour: "--svi" },
    ...(run.rival ? [{ label: "Maximum likelihood", colour: "--ml", dash: [6, 4] }] : []),
  ];
  const chart = curves(
    lines,
    { horizontal: "times the text was read", vertical: "bits a token", end: run.settings.epochs },
    signal,
  );
  const panels = run.runners.map(panel);
  const hidden = h("p", { class: "hint", hidden: true }, "It continues while you look at another tab.");
  watchTab(run, signal, (told) => {
    hidden.textContent = told;
  });
  let troubled: unknown = null;
  let phase: Phase = "idle";
  let told = 0;
  const rest = h(
    "div",
    {},
    h(
      "div",
      { class: "card" },
      h("h2", {}, run.rival ? "Loss on text that neither has read" : "Loss on text that it has not read"),
      h(
        "p",
        { class: "hint" },
        `Bits a token; lower is better. A curve that turns up learns by heart${run.rival ? "; shaded is what maximum likelihood is behind by" : ""}.`,
      ),
      legend(lines),
      chart.element,
      said,
    ),
    h(
      "div",
      { class: "pair" },
      panels.map(({ element }) => element),
    ),
  );
  duel.watch(signal, look);
  return h(
    "section",
    { class: "stage", "aria-label": "Training" },
    h(
      "div",
      { class: "card progress" },
      h("div", { class: "row" }, h("p", { class: "doing" }, state, " ", figures), presses),
      bar,
      hidden,
      trouble,
      next,
    ),
    rest,
  );

  /** Another model may have been opened meanwhile. */
  function to(label: string, view: string, kind: string): HTMLElement {
    return h("a", { class: `button ${kind}`, href: `#/${view}`, on: { click: () => run.take() } }, label);
  }

  function look(): void {
    const { own } = run;
    say(state, stateOf(run));
    bar.value = run.fraction;
    bar.hidden = rest.hidden = run.stillborn;
    // Speeds that change faster than anybody reads them say less.
    const now = performance.now();
    if (!run.active || run.ending) say(figures, "");
    else if (run.phase !== phase || now - told > FIGURES_EVERY) {
      say(figures, figuresOf(run));
      told = now;
    }
    // What was pressed last goes: the keyboard continues at what takes its place.
    const pressed = !run.active && (document.activeElement === stop || document.activeElement === pause);
    stop.hidden = presses.hidden = !run.active;
    pause.hidden = stop.hidden || run.ending;
    say(pause, run.phase === "paused" ? "Continue" : "Pause");
    next.hidden = own.record === null || run.active || run.phase === "lost";
    if (pressed && !next.hidden) next.querySelector("a")?.focus();
    hidden.hidden = !run.active || run.phase === "paused";
    if (troubled !== run.error) {
      troubled = run.error;
      replace(trouble, troubled !== null && [noticeOf(troubled, actionsOf(run)), lossOf(run)]);
    }
    const words = verdict(run);
    chart.show(
      run.runners.map(({ curve }) => curve),
      words || "No points yet",
    );
    // Announced at the end; while it runs a screen reader would not come to rest.
    if (run.active) said.removeAttribute("role");
    else if (phase !== run.phase) said.setAttribute("role", "status");
    say(said, words || (run.active ? "The curves begin in a moment…" : ""));
    phase = run.phase;
    for (const one of panels) one.show();
  }
}

function stateOf(run: Duel): string {
  if (run.active && run.ending) return "Stopping: it writes once more…";
  return run.phase === "done" && run.fraction < 1 ? "Stopped early" : PHASES[run.phase];
}

/** What can be done about a run that is lost, or that came to nothing. */
function actionsOf(run: Duel): Action[] {
  if (run.phase === "lost") return [{ label: "Continue from the last checkpoint", run: () => run.recover() }];
  const { before } = run;
  return run.stillborn && before ? [{ label: "Show the run before", run: () => show(before) }] : [];
}

/** That nothing was lost, where there was something. */
function lossOf(run: Duel): HTMLElement | null {
  if (!run.stillborn || !current.value) return null;
  return h("p", { class: "hint" }, `Nothing is lost: ${current.value.card.name} is still the model in use.`);
}

function figuresOf(run: Duel): string {
  const left = Math.max(0, ...run.runners.map(({ secondsLeft }) => secondsLeft ?? 0));
  const speed = run.runners.reduce((sum, { tokensPerSecond }) => sum + tokensPerSecond, 0);
  if (!run.own.record) return "";
  if (run.phase === "paused") return left > 0 ? `${duration(left)} left` : "";
  const words = [`${whole(speed)} tokens a second`];
  if (left > 0) words.push(`${duration(left)} left`);
  return words.join(" · ");
}

function legend(lines: readonly { label: string; colour: string; dash?: number[] }[]): HTMLElement {
  return h(
    "ul",
    { class: "legend" },
    lines.map(({ label, colour, dash }) =>
      h(
        "li",
        {},
        h("i", {
          class: dash ? "stroke dashed" : "stroke",
          style: `color: var(${colour})`,
          "aria-hidden": "true",
        }),
        label,
      ),
    ),
  );
}

/** What one of them writes now. */
function panel(runner: Runner) {
  const own = runner.role === "own";
  const bits = h("span", { class: "bits" });
  const text = h(
    "p",
    { class: "written" },
    h("span", { class: "waiting" }, "It writes its first lines in a moment…"),
  );
  const element = h(
    "article",
    {
      class: `card writer ${runner.role}`,
      "aria-label": own ? "Written by SVI" : "Written by maximum likelihood",
    },
    h("div", { class: "heading" }, h("h2", {}, own ? "SVI writes" : "Maximum likelihood writes"), bits),
    text,
  );
  const show = () => {
    const last = runner.curve.bits.at(-1);
    say(bits, last === undefined ? "" : `${last.toFixed(2)} bits`);
    if (runner.written !== "") say(text, runner.written);
  };
  return { element, show };
}
