/** @module Which view the address names: everything behind `#/`, so that any server of files will do. */
import { h, replace } from "./dom.ts";
import { noticeOf, Refusal } from "./parts/notice.ts";

export interface Place {
  /** Aborted when the view is left. */
  readonly signal: AbortSignal;
  /** What follows the view's name, such as `guide/train`. */
  readonly rest: string;
  readonly query: URLSearchParams;
}

export type View = (place: Place) => HTMLElement | Promise<HTMLElement>;

interface Route {
  readonly name: string;
  readonly label: string;
  readonly load: () => Promise<{ readonly view: View }>;
}

const ROUTES: readonly Route[] = [
  { name: "train", label: "Train", load: () => import("./views/train/train.ts") },
  { name: "write", label: "Write", load: () => import("./views/write/write.ts") },
  { name: "score", label: "Score", load: () => import("./views/score/score.ts") },
  { name: "race", label: "Race", load: () => import("./views/race/race.ts") },
  { name: "keep", label: "Keep", load: () => import("./views/keep/keep.ts") },
  { name: "explain", label: "Explain", load: () => import("./views/explain/explain.ts") },
  { name: "docs", label: "Docs", load: () => import("./views/docs/docs.ts") },
];

let left = new AbortController();

export function startRouter(navigation: HTMLElement, main: HTMLElement): void {
  const links = ROUTES.map(({ name, label }) => h("a", { href: `#/${name}`, "data-view": name }, label));
  navigation.append(...links);
  const show = (moved: boolean) => void open(main, links, moved);
  addEventListener("hashchange", () => {
    if (location.hash.startsWith("#/") || location.hash === "") show(true);
  });
  show(false);
}

async function open(main: HTMLElement, links: readonly HTMLElement[], moved: boolean): Promise<void> {
  left.abort();
  left = new AbortController();
  const { signal } = left;
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/");
  const route = ROUTES.find((one) => one.name === name) ?? ROUTES[0];
  for (const link of links)
    if (link.dataset.view === route.name) {
      link.setAttribute("aria-current", "page");
      link.scrollIntoView({ block: "nearest", inline: "nearest" });
    } else link.removeAttribute("aria-current");
  document.title = `${route.label} · svi-lm playground`;
  const heading = () => h("h1", { class: "unseen" }, route.label);
  const waiting = setTimeout(
    () => replace(main, heading(), h("p", { class: "loading", role: "status" }, "Loading…")),
    150,
  );
  // One that is left before it came must not cover the next.
  signal.addEventListener("abort", () => clearTimeout(waiting));
  try {
    const { view } = await route.load();
    const shown = await view({ signal, rest: rest.join("/"), query: new URLSearchParams(query) });
    if (signal.aborted) return;
    clearTimeout(waiting);
    replace(main, shown);
  } catch (error) {
    if (signal.aborted) return;
    clearTimeout(waiting);
    replace(main, heading(), unreachable(error));
  }
  main.dataset.shown = route.name;
  if (!moved) return;
  scrollTo(0, 0);
  main.focus({ preventScroll: true });
}

/** A part of the site that was not kept, and no connection. */
function unreachable(error: unknown): HTMLElement {
  if (error instanceof Refusal)
    return noticeOf(error, [
      { label: "Try again", run: () => dispatchEvent(new HashChangeEvent("hashchange")) },
    ]);
  return h(
    "div",
    { class: "notice problem", role: "alert" },
    h("strong", {}, "This part of the site did not load."),
    ` ${navigator.onLine ? String((error as Error).message) : "You are offline, and it was not kept on this device yet."} `,
    h("button", { type: "button", on: { click: () => location.reload() } }, "Try again"),
  );
}
