/** @module A Run button at each example of a page, and what the example printed below it. */
import { h, replace } from "../../../dom.ts";
import { notice } from "../../../parts/notice.ts";
import { matches } from "./matches.ts";
import type { Listener, Runner } from "./runner.ts";

/** Makes the examples of an article runnable; what runs ends with the view. */
export function runnable(article: HTMLElement, signal: AbortSignal): void {
  const programs = new Map<string, Cell[]>();
  for (const element of article.querySelectorAll<HTMLElement>(".example")) {
    const name = element.dataset.program!;
    const cells = programs.get(name) ?? [];
    programs.set(name, [...cells, cellOf(element, () => desk.run(name, element))]);
  }
  const desk = deskOf(programs, signal);
}

const RUNNING = "Running here, in a worker of its own…";

interface Cell {
  readonly element: HTMLElement;
  /** Shows that it waits for those above it. */
  waits(): void;
  started(): void;
  /** Shows that it does not run. */
  rested(): void;
  ended(): void;
  printed(text: string): void;
  failed(trouble: { readonly problem: string; readonly remedy: string }): void;
}

/** Examples of one program run in one worker: those above an example run first, once. */
function deskOf(programs: ReadonlyMap<string, readonly Cell[]>, signal: AbortSignal) {
  let runner: Runner | null = null;
  const end = () => {
    runner?.end();
    runner = null;
  };
  signal.addEventListener("abort", end);

  const busy = () => runner !== null && runner.done <= runner.until;
  const stop = (cells: readonly Cell[]) => {
    end();
    for (const cell of cells) cell.rested();
  };

  async function run(name: string, element: HTMLElement): Promise<void> {
    const cells = programs.get(name)!;
    const until = cells.findIndex((cell) => cell.element === element);
    if (busy()) return stop([...programs.values()].flat());
    const continued = runner?.program === name && runner.done <= until;
    const first = continued ? runner!.done : 0;
    for (const cell of cells.slice(first, until + 1)) cell.waits();
    cells[first].started();
    const { Runner } = await import("./runner.ts");
    if (signal.aborted) return;
    if (!continued) {
      end();
      runner = new Runner(name, listenerOf(cells));
    }
    runner!.run(until);
  }

  function listenerOf(cells: readonly Cell[]): Listener {
    return {
      printed: (block, text) => cells[block].printed(text),
      ended(block) {
        cells[block].ended();
        if (runner && block < runner.until) cells[block + 1].started();
      },
      failed(block, trouble) {
        stop(cells);
        cells[block].failed(trouble);
      },
    };
  }

  return { run };
}

function cellOf(element: HTMLElement, pressed: () => void): Cell {
  const button = h("button", { type: "button", class: "run", on: { click: pressed } }, "Run");
  const status = h("span", { class: "hint", role: "status" });
  const output = h("div", { class: "output" });
  const stated = element.nextElementSibling?.matches('pre[data-language="text"]')
    ? element.nextElementSibling
    : null;
  let lines: string[] = [];
  element.append(h("p", { class: "row" }, button, status), output);
  const show = (label: string) => {
    status.textContent = label;
    replace(
      output,
      lines.length > 0 && h("pre", { tabindex: 0, "data-printed": "" }, h("code", {}, lines.join("\n"))),
    );
  };
  const runs = (label: string) => {
    lines = [];
    element.dataset.state = "running";
    button.textContent = "Stop";
    show(label);
  };
  return {
    element,
    waits: () => runs("It waits for the examples above…"),
    started: () => runs(RUNNING),
    rested() {
      button.textContent = "Run";
      if (element.dataset.state !== "running") return;
      element.dataset.state = "stopped";
      show("Stopped.");
    },
    ended() {
      element.dataset.state = "ended";
      button.textContent = "Run";
      const same = stated && matches((stated.textContent ?? "").trimEnd(), lines.join("\n").trimEnd());
      show(
        lines.length === 0
          ? "Done; it prints nothing."
          : same
            ? "Printed here, as stated below:"
            : "Printed here:",
      );
    },
    printed(text) {
      lines.push(text);
      show(RUNNING);
    },
    failed(trouble) {
      element.dataset.state = "failed";
      button.textContent = "Run";
      show("It did not end.");
      output.append(notice(trouble));
    },
  };
}
