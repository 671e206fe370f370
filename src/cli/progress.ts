/** @module What is seen of a run while it goes: JSON lines, a moving line in a terminal, or a few plain lines. */
import { MultiBar, type SingleBar } from "cli-progress";
import type { StepRecord } from "../training/fit.ts";
import { duration, fixed, note, printJson } from "./print.ts";
import { Sparkline } from "./sparkline.ts";

export interface Progress {
  step(record: StepRecord): void;
  /** Leaves the terminal as it should be. */
  stop(): void;
}

/** Whether stderr is a terminal that can draw a line anew, and stdout is not for a program on the same one. */
export function isLive(json: boolean): boolean {
  return process.stderr.isTTY === true && process.env.TERM !== "dumb" && !(json && process.stdout.isTTY);
}

export function progressFor(json: boolean): Progress {
  if (json) return new JsonProgress();
  return isLive(json) ? new LiveProgress() : new PlainProgress();
}

class JsonProgress implements Progress {
  step(record: StepRecord): void {
    printJson({ event: "step", ...record });
    const { step, steps, epoch, tokens, valid } = record;
    // After the run's own place in the text: `tokens` of an evaluation are those it scored.
    if (valid) printJson({ event: "valid", step, steps, epoch, trainedTokens: tokens, ...valid });
  }

  stop(): void {}
}

/** Speed and time left, over what this process has done: a resumed run starts in the middle. */
class Clock {
  #before: number | null = null;

  read({ step, steps, tokens, seconds }: StepRecord): { rate: string; left: string } {
    this.#before ??= tokens - tokens / step;
    const rate = (tokens - this.#before) / seconds;
    const left = ((steps - step) * (tokens / step)) / rate;
    return { rate: `${Math.round(rate).toLocaleString("en")} tokens/s`, left: duration(left) };
  }
}

/** Losses averaged over about the last 50 steps: one minibatch says little. */
class Smooth {
  #value = 0;
  #weight = 0;

  add(nll: number): number {
    this.#value = 0.98 * this.#value + 0.02 * nll;
    this.#weight = 0.98 * this.#weight + 0.02;
    return this.#value / this.#weight;
  }
}

function validLine({ epoch, valid }: StepRecord): string {
  const { bitsPerToken, perplexity, nll } = valid!;
  return `epoch ${epoch.toFixed(2)}  valid ${fixed(bitsPerToken)} bits/token  ${fixed(nll)} nats  perplexity ${fixed(perplexity, 2)}`;
}

/** A terminal that has not been told its size says 0. */
const width = (): number => process.stderr.columns || 80;

/** How bars look, and that they leave interruptions to the command. */
export const BAR = {
  barCompleteChar: "━",
  barIncompleteChar: "─",
  barsize: width() < 70 ? 8 : 16,
  gracefulExit: false,
  // Lines are cut at the width, not written over their last column.
  linewrap: true,
  hideCursor: false,
  stream: process.stderr,
};

/** Beside the bar and its percentage; a line as wide as the terminal would be cut by the library. */
const room = (): number => width() - BAR.barsize - " 100 %  ".length - 1;

/** The first of them, two spaces between, as many as there is room for: none is cut. */
export function fitting(figures: readonly string[], width: number): string {
  let line = "";
  for (const figure of figures) {
    const longer = line === "" ? figure : `${line}  ${figure}`;
    if (longer.length > width) break;
    line = longer;
  }
  return line;
}

class LiveProgress implements Progress {
  readonly #bars = new MultiBar({
    ...BAR,
    format: "{bar} {percentage} %  {figures}",
  });
  readonly #clock = new Clock();
  readonly #smooth = new Smooth();
  readonly #curve = new Sparkline(24);
  #bar: SingleBar | undefined;

  step(record: StepRecord): void {
    const { step, steps, nll, warning, valid } = record;
    this.#curve.add(nll);
    const loss = this.#smooth.add(nll);
    const { rate, left } = this.#clock.read(record);
    // What matters first: a narrow terminal has room for the beginning.
    const figures = [`${fixed(loss)} nats`, `${left} left`, rate, `${fixed(loss / Math.LN2)} bits/token`];
    const payload = { figures: fitting([...figures, String(this.#curve)], room()) };
    this.#bar ??= this.#bars.create(steps, step, payload);
    if (warning) this.#bars.log(`warning: ${warning}\n`);
    if (valid) this.#bars.log(`${validLine(record)}\n`);
    this.#bar.update(step, payload);
  }

  stop(): void {
    this.#bars.update();
    this.#bars.stop();
  }
}

/** At most so many lines a run, besides those about validation; one a minute where that is more. */
const LINES = 20;

class PlainProgress implements Progress {
  readonly #clock = new Clock();
  readonly #smooth = new Smooth();
  #lastStep = 0;
  #lastSeconds = 0;

  step(record: StepRecord): void {
    const { step, steps, epoch, seconds, nll, warning, valid } = record;
    const loss = this.#smooth.add(nll);
    const { rate, left } = this.#clock.read(record);
    if (warning) note(`warning: ${warning}`);
    if (valid) note(validLine(record));
    const due = step - this.#lastStep >= steps / LINES || seconds - this.#lastSeconds >= 60;
    if (!due && step !== steps) return;
    this.#lastStep = step;
    this.#lastSeconds = seconds;
    note(
      `step ${step}/${steps}  epoch ${epoch.toFixed(2)}  ${fixed(loss)} nats  ${fixed(loss / Math.LN2)} bits/token  ${rate}  ${left} left`,
    );
  }

  stop(): void {}
}
