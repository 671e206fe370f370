/** @module The documentation: pages of docs/, found without a server. */
import { h, replace, uniqueId } from "../../dom.ts";
import { Refusal } from "../../parts/notice.ts";
import type { View } from "../../router.ts";
import { runnable } from "./examples/examples.ts";

interface Page {
  readonly path: string;
  readonly title: string;
}

const FIRST = "guide/README";
const GROUPS = { guide: "Guide", reference: "Reference", design: "Design" } as const;

async function get(name: string): Promise<Response> {
  const response = await fetch(`./docs/${name}`).catch(() => null);
  if (response?.ok) return response;
  throw new Refusal(
    response
      ? "There is no such page"
      : "This page was not kept on this device yet, and there is no connection",
    response ? "Choose one from the list" : "Connect, and open it once",
  );
}

export const view: View = async ({ rest, query, signal }) => {
  const pages: Page[] = await (await get("pages.json")).json();
  const path = pages.some((page) => page.path === rest) ? rest : FIRST;
  const article = h("article", { class: "prose card" });
  // Made from the repository's own pages when the site was built.
  article.innerHTML = await (await get(`${path}.html`)).text();
  runnable(article, signal);
  const anchor = query.get("at");
  if (anchor !== null)
    requestAnimationFrame(() => {
      const heading = article.querySelector<HTMLElement>(`#${CSS.escape(anchor)}`);
      heading?.scrollIntoView();
      heading?.focus({ preventScroll: true });
    });
  return h("div", { class: "view docs" }, aside(pages, path), article);
};

function aside(pages: readonly Page[], path: string): HTMLElement {
  const id = uniqueId("search");
  const results = h("div", { role: "status" });
  const input = h("input", {
    type: "search",
    id,
    placeholder: "checkpoints, scoreAll…",
    on: { input: () => void look() },
  });
  let index: Promise<(text: string) => Found[]> | undefined;
  const look = async () => {
    index ??= searcher();
    try {
      const found = (await index)(input.value).slice(0, 8);
      replace(results, input.value.trim() !== "" && resultList(found));
    } catch {
      index = undefined;
      replace(results, h("p", { class: "hint" }, "The index did not load: connect, and type again."));
    }
  };
  const groups = Object.entries(GROUPS).map(([folder, title]) => {
    const own = pages.filter((page) => page.path.startsWith(`${folder}/`));
    if (own.length === 0) return null;
    return h(
      "details",
      { open: path.startsWith(`${folder}/`) && matchMedia("(min-width: 800px)").matches },
      h("summary", {}, title),
      h(
        "ul",
        {},
        own.map((page) => h("li", {}, link(page, path))),
      ),
    );
  });
  return h(
    "aside",
    { class: "contents", "aria-label": "Pages" },
    h("label", { for: id }, "Search"),
    input,
    results,
    groups,
  );
}

const link = ({ path, title }: Page, shown: string) =>
  h("a", { href: `#/docs/${path}`, "aria-current": path === shown ? "page" : null }, title);

interface Found {
  readonly id: string;
  readonly title: string;
  readonly page: string;
}

async function searcher(): Promise<(text: string) => Found[]> {
  const [{ default: MiniSearch }, { SEARCH }, response] = await Promise.all([
    import("minisearch"),
    import("./search.ts"),
    get("search.json"),
  ]);
  const index = MiniSearch.loadJSON(await response.text(), SEARCH);
  return (text) => index.search(text) as unknown as Found[];
}

function resultList(found: readonly Found[]): HTMLElement {
  if (found.length === 0) return h("p", { class: "hint" }, "Nothing was found.");
  return h(
    "ul",
    { class: "found" },
    found.map(({ id, title, page }) =>
      h("li", {}, h("a", { href: `#/docs/${id}` }, title), h("small", {}, ` ${page.replace("/", " · ")}`)),
    ),
  );
}
