/** @module Race: the portable benchmark on this machine, beside others, with a link to share it. */
import type { BenchmarkResult } from "svi-lm/benchmark";
import { h, replace, uniqueId } from "../../dom.ts";
import { whole } from "../../parts/figures.ts";
import { isAbort, noticeOf, Refusal } from "../../parts/notice.ts";
import type { View } from "../../router.ts";
import { recall, remember } from "../../storage/preferences.ts";
import { lacking } from "../../trouble.ts";
import { MACHINES } from "./machines.ts";
import { linkOf, type Result, readLink, resultOf } from "./result.ts";

interface Row {
  readonly name: string;
  readonly training: number;
  readonly prediction: number | null;
  readonly product: number | null;
  readonly kind: "known" | "own" | "shared";
  /** What it computed, where it ran this race. */
  readonly hash: string | null;
}

let own: Result | null = null;

export const view: View = ({ signal, query }) => {
  const trouble = h("div", {});
  const table = h("div", { class: "results" });
  const share = h("div", {});
  const status = h("span", { class: "hint", role: "status" });
  const id = uniqueId("machine");
  const name = h("input", {
    type: "text",
    id,
    maxlength: 60,
    placeholder: "My laptop",
    value: recall("machine") ?? "",
  });
  let shared: Result | null = null;
  try {
    const link = query.get("result");
    if (link !== null) shared = readLink(link);
  } catch (error) {
    replace(trouble, noticeOf(error));
  }
  let racing: AbortController | null = null;
  signal.addEventListener("abort", () => racing?.abort());
  const start = h(
    "button",
    {
      type: "button",
      class: "main",
      id: "race",
      on: { click: () => (racing ? racing.abort() : void race()) },
    },
    "Race",
  );
  const show = () => {
    replace(table, tableOf(rowsOf(shared)));
    replace(share, own && sharing(own, status));
  };
  show();
  return h(
    "div",
    { class: "view race" },
    h("h1", {}, "The same work, to the last bit, on every machine"),
    h(
      "p",
      { class: "lead" },
      "It trains two layers of 256 units for forty steps, then predicts 2,000 tokens. A hash over all weights and predictions proves that the work was done, and done right.",
    ),
    h(
      "section",
      { class: "card", "aria-label": "This machine" },
      h("label", { for: id }, "What to call this machine"),
      name,
      h("div", { class: "row actions" }, start, status),
      trouble,
      share,
    ),
    h(
      "section",
      { class: "card", "aria-label": "Results" },
      h("h2", {}, "Machines, the fastest first"),
      table,
      h(
        "p",
        { class: "hint" },
        "The grey ones are known from the laboratory of svi-lm, where another program measured the same model: on one thread of Node 24, trained by Adam, whose steps take a twentieth less time than those of this race. They did not run the race, so there is no hash that would prove them. Yours is proved by its hash; one from a link is shown only where its hash is the race's and its figures agree with each other. Product: multiplying two matrices.",
      ),
    ),
  );

  async function race(): Promise<void> {
    racing = new AbortController();
    start.textContent = "Stop";
    replace(trouble);
    status.textContent = "Some ten seconds of work; other work on this machine makes it slower…";
    remember("machine", name.value);
    try {
      own = resultOf(name.value.trim() || "This machine", await run(racing.signal));
      status.textContent = `Done in ${own.seconds.toFixed(0)} s. The hash, ${own.hash.slice(0, 12)}…, is the one that every machine has.`;
    } catch (error) {
      status.textContent = racing.signal.aborted ? "Stopped." : "";
      if (!isAbort(error)) replace(trouble, noticeOf(error));
    } finally {
      racing = null;
      start.textContent = "Race";
    }
    show();
  }
};

function run(signal: AbortSignal): Promise<BenchmarkResult> {
  const found = lacking();
  if (found) return Promise.reject(new Refusal(found.problem, found.remedy));
  return new Promise<BenchmarkResult>((resolve, reject) => {
    const worker = new Worker(new URL("../../engine/benchmarkWorker.ts", import.meta.url), {
      type: "module",
    });
    const end = (settle: () => void) => {
      worker.terminate();
      settle();
    };
    signal.addEventListener("abort", () => end(() => reject(signal.reason)));
    worker.onmessage = ({ data }) =>
      end(() =>
        data.result
          ? resolve(data.result)
          : reject(new Refusal(data.problem, "Close other tabs and try again")),
      );
    worker.onerror = (event) =>
      end(() =>
        reject(
          new Refusal(
            `The benchmark did not start: ${event.message || "its file did not load"}`,
            "Connect, and try again",
          ),
        ),
      );
  });
}

function rowsOf(shared: Result | null): Row[] {
  const rows: Row[] = MACHINES.map((machine) => ({ ...machine, kind: "known", hash: null }));
  if (own) rows.push({ ...own, kind: "own" });
  if (shared) rows.push({ ...shared, name: `${shared.name} (from the link)`, kind: "shared" });
  return rows.sort((a, b) => b.training - a.training);
}

/** Whether the row's figures are of the race, to the last bit. */
function hashWords(kind: Row["kind"], hash: string | null): string {
  if (hash === null) return "no hash";
  return `${kind === "own" ? "hash" : "hash in link"} ${hash.slice(0, 8)}`;
}

function tableOf(rows: readonly Row[]): HTMLElement {
  const most = Math.max(...rows.map(({ training }) => training));
  return h(
    "div",
    { class: "wide", tabindex: 0, role: "group", "aria-label": "Results, by speed" },
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          ["Machine", "Trains, tokens/s", "Predicts, µs a token", "Product, GFLOP/s"].map((title) =>
            h("th", { scope: "col" }, title),
          ),
        ),
      ),
      h(
        "tbody",
        {},
        rows.map(({ name, training, prediction, product, kind, hash }) =>
          h(
            "tr",
            { class: kind },
            h("th", { scope: "row" }, name, h("small", {}, hashWords(kind, hash))),
            h(
              "td",
              { class: "bar", style: `--part: ${((training / most) * 100).toFixed(1)}%` },
              whole(training),
            ),
            h("td", {}, prediction === null ? "–" : prediction.toFixed(0)),
            h("td", {}, product === null ? "–" : product.toFixed(1)),
          ),
        ),
      ),
    ),
  );
}

function sharing(result: Result, status: HTMLElement): HTMLElement {
  const link = new URL(linkOf(result), location.href).href;
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(link);
      status.textContent = "The link is copied.";
    } catch {
      status.textContent = "Copying is not allowed here: select the link.";
    }
  };
  const id = uniqueId("link");
  return h(
    "div",
    { class: "share" },
    h("label", { for: id }, "A link with this result; it holds nothing else"),
    h(
      "div",
      { class: "row" },
      h("input", { type: "text", id, readonly: true, value: link }),
      h("button", { type: "button", on: { click: () => void copy() } }, "Copy"),
    ),
  );
}
