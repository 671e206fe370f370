/** @module The pages of docs/ as pieces of the site, and the index that the search reads. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, posix } from "node:path";
import { Marked, type Token, type Tokens } from "marked";
import MiniSearch from "minisearch";
import type { Plugin } from "vite";
import { SEARCH } from "../src/views/docs/search.ts";
import { ROOT, serve } from "./public.ts";

const FOLDERS = ["guide", "design", "reference"];

interface Page {
  /** Below docs/, without `.md`. */
  readonly path: string;
  readonly title: string;
}

interface Section {
  readonly id: string;
  readonly page: string;
  readonly title: string;
  readonly text: string;
}

/** As code hosts make them: lower case, without punctuation, spaces as hyphens. */
function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/<[^>]*>|[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}

function titleOf(markdown: string, path: string): string {
  return /^# (.*)$/m.exec(markdown)?.[1].replaceAll("`", "").replaceAll("\\", "") ?? path;
}

/** Links between pages become routes; those to other files of the repository stay text. */
function target(href: string, from: string): string | null {
  if (/^[a-z]+:/.test(href)) return href;
  const [path, anchor] = href.split("#");
  const page =
    path === "" ? from : posix.normalize(posix.join(posix.dirname(from), path)).replace(/\.md$/, "");
  if (!FOLDERS.some((folder) => page.startsWith(`${folder}/`))) return null;
  return `#/docs/${page}${anchor ? `?at=${anchor}` : ""}`;
}

function rendererFor(path: string): Marked {
  const marked = new Marked({ async: false });
  marked.use({
    renderer: {
      heading({ tokens, depth, text }: Tokens.Heading): string {
        return `<h${depth} id="${anchorOf(text)}" tabindex="-1">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      link({ href, tokens }: Tokens.Link): string {
        const to = target(href, path);
        const inner = this.parser.parseInline(tokens);
        return to === null ? inner : `<a href="${to}">${inner}</a>`;
      },
      image: ({ text }: Tokens.Image): string => text,
      code({ text, lang }: Tokens.Code): string {
        const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
        return `<pre tabindex="0" data-language="${lang ?? ""}"><code>${escaped}</code></pre>\n`;
      },
      table(token: Tokens.Table): string {
        const row = (cells: Tokens.TableCell[], tag: string) =>
          `<tr>${cells.map((cell) => `<${tag}>${this.parser.parseInline(cell.tokens)}</${tag}>`).join("")}</tr>`;
        const body = token.rows.map((cells) => row(cells, "td")).join("");
        return `<div class="wide" tabindex="0" role="group" aria-label="Table"><table><thead>${row(token.header, "th")}</thead><tbody>${body}</tbody></table></div>`;
      },
    },
  });
  return marked;
}

/** The page cut at its headings, for the search. */
function sectionsOf(path: string, tokens: readonly Token[]): Section[] {
  const sections: { id: string; page: string; title: string; text: string }[] = [];
  for (const token of tokens) {
    if (token.type === "heading") {
      const title = String(token.text).replaceAll("`", "");
      const id = sections.some((section) => section.page === path)
        ? `${path}?at=${anchorOf(token.text)}`
        : path;
      sections.push({
        id: sections.some((s) => s.id === id) ? `${id}-${sections.length}` : id,
        page: path,
        title,
        text: "",
      });
    } else if (sections.length > 0) sections[sections.length - 1].text += ` ${token.raw}`;
  }
  return sections;
}

function markdownIn(folder: string): string[] {
  const path = join(ROOT, "docs", folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => normalize(join(folder, name)).replaceAll("\\", "/"))
    .sort();
}

/** Writes `docs/`: a piece of HTML a page, the list of pages, the index of the search. */
export function documentation(): Plugin {
  const pages: Page[] = [];
  const search = new MiniSearch<Section>(SEARCH);
  for (const file of FOLDERS.flatMap(markdownIn)) {
    const path = file.replace(/\.md$/, "");
    const markdown = readFileSync(join(ROOT, "docs", file), "utf8").replace(/^<!--.*?-->\s*$/gm, "");
    const marked = rendererFor(path);
    pages.push({ path, title: dirname(file) === "." ? path : titleOf(markdown, path) });
    serve(`docs/${path}.html`, marked.parse(markdown) as string);
    search.addAll(sectionsOf(path, marked.lexer(markdown)));
  }
  serve("docs/pages.json", JSON.stringify(pages));
  serve("docs/search.json", JSON.stringify(search));
  return { name: "documentation" };
}
