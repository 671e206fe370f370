/** @module A problem and its remedy, with what can be pressed about it. */
import { SviError } from "svi-lm/worker";
import { h } from "../dom.ts";

export interface Trouble {
  readonly problem: string;
  readonly remedy: string;
  /** What only whoever looks into it wants to know. */
  readonly detail?: string;
}

export interface Action {
  readonly label: string;
  readonly run: () => void;
}

/** A problem that the page itself finds. */
export class Refusal extends Error implements Trouble {
  readonly problem: string;
  readonly remedy: string;
  readonly actions: readonly Action[];

  constructor(problem: string, remedy: string, actions: readonly Action[] = []) {
    super(`${problem}. ${remedy}.`);
    this.problem = problem;
    this.remedy = remedy;
    this.actions = actions;
  }
}

/** Said in the page's words where a library's remedy is for programmers. */
const REMEDIES: Record<string, string> = {
  E_MEMORY: "Take fewer units, layers or lanes in the settings, or close other tabs",
  E_WORKER: "Start it again: what was saved last is kept",
  E_UNKNOWN_SYMBOL: "The model never saw that symbol: leave it out, or train on a text that has it",
  E_TEXT_SHORT: "Give a longer text",
  E_TEXT_EMPTY: "Type something first",
  E_TEXT_ENCODING: "Save the text as UTF-8 and open it again",
  E_FORMAT: "Open a file that was saved here, or by svi-lm",
  E_VERSION: "Train it again, or open it with the version of svi-lm that wrote it",
  E_DIVERGED: "Train again with a smaller learning rate; the last good weights were kept",
};

/** What an error means to whoever reads the page. */
export function troubleOf(error: unknown): Trouble {
  if (error instanceof Refusal) return error;
  if (error instanceof SviError) {
    const remedy = REMEDIES[error.code] ?? error.remedy;
    // What is wrong with a file is for its maker; first counts that it is the file.
    if (error.code === "E_FORMAT")
      return { problem: "This file is not a model, or it is damaged", remedy, detail: error.problem };
    if (error.code === "E_WORKER")
      return {
        problem: "The browser ended what computes here, or did not start it",
        remedy,
        detail: error.problem,
      };
    return { problem: problemOf(error), remedy };
  }
  if (error instanceof RangeError || /memory/i.test(String((error as Error)?.message)))
    return { problem: "The browser gave no more memory", remedy: REMEDIES.E_MEMORY };
  return {
    problem: `Something unexpected happened: ${String((error as Error)?.message ?? error)}`,
    remedy: "Load the page again; models that you kept are safe",
  };
}

const inGigabytes = (bytes: number) =>
  `${(bytes / 1e9).toLocaleString("en", { maximumSignificantDigits: 2 })} GB`;

function problemOf({ code, problem, value }: SviError): string {
  if (code === "E_MEMORY" && typeof value === "number")
    return `This needs ${inGigabytes(value)} of memory, more than the browser gives`;
  return problem;
}

export function isAbort(error: unknown): boolean {
  return (error as Error | undefined)?.name === "AbortError";
}

export function notice({ problem, remedy, detail }: Trouble, actions: readonly Action[] = []): HTMLElement {
  return h(
    "div",
    { class: "notice problem", role: "alert" },
    h("p", {}, h("strong", {}, `${problem}.`), ` ${remedy}.`),
    detail !== undefined && h("p", { class: "hint" }, `In detail: ${detail}.`),
    actions.length > 0 &&
      h(
        "p",
        { class: "row" },
        actions.map(({ label, run }) => h("button", { type: "button", on: { click: run } }, label)),
      ),
  );
}

/** The notice of an error, with the actions that it brings. */
export function noticeOf(error: unknown, actions: readonly Action[] = []): HTMLElement {
  return notice(troubleOf(error), error instanceof Refusal ? [...error.actions, ...actions] : actions);
}
