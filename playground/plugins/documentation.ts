/** @module The pages of docs/ as pieces of the site, and the index that the search reads. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, posix } from "node:path";
import { Marked, type Token, type Tokens } from "marked";
import MiniSearch from "minisearch";
import type { Plugin } from "vite";
import { SEARCH } from "../src/views/docs/search.ts";
import { addExample, addProgram, reasonOf, reasonOfReference } from "./examples.ts";
import { ROOT, serve } from "./public.ts";

const FOLDERS = ["guide", "design", "reference"];
/** Entry points that have what `svi-lm` has: found once. */
const SAME = /^reference\/svi-lm\/(edge-light|workerd|module|relaxed)$/;

interface Page {
  /** Below docs/, without `.md`. */
  readonly path: string;
  readonly title: string;
  /** Examples that run. */
  readonly examples: number;
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
  if (path === "reference/README") return "All entry points";
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
      html: ({ text }: Tokens.HTML | Tokens.Tag): string => (IDLE.test(text) ? "" : text),
      code({ text, lang, ...token }: Tokens.Code): string {
        const { program, block, idle } = token as Partial<Example>;
        const code = `<pre tabindex="0" data-language="${lang ?? ""}"><code>${escaped(text)}</code></pre>\n`;
        if (idle) return `${code}<p class="hint idle">Not run here: ${escaped(idle)}.</p>\n`;
        if (program === undefined) return code;
        return `<div class="example" data-program="${program}" data-block="${block}">${code}</div>\n`;
      },
      table(token: Tokens.Table): string {
        const inner = (cell: Tokens.TableCell) => this.parser.parseInline(cell.tokens);
        const names = token.header.map(({ text }) => plain(text));
        const head = token.header.map((cell) => `<th role="columnheader">${inner(cell)}</th>`).join("");
        const body = token.rows.map((cells) => `<tr role="row">${cells.map(cellOf).join("")}</tr>`).join("");
        function cellOf(cell: Tokens.TableCell, column: number): string {
          const said = column > 0 ? ` data-column="${names[column]}"` : "";
          return `<td role="cell"${EMPTY.test(cell.text) ? ' class="nothing"' : ""}${said}>${inner(cell)}</td>`;
        }
        // Roles stay where phones show the rows of a table with many columns one below the other.
        const kind = names.length > 2 ? ' class="stacks"' : "";
        return `<div class="wide" tabindex="0" role="group" aria-label="Table"><table role="table"${kind}><thead role="rowgroup"><tr role="row">${head}</tr></thead><tbody role="rowgroup">${body}</tbody></table></div>`;
      },
    },
  });
  return marked;
}

/** Cells that say nothing. */
const EMPTY = /^[-\u2010]?$/;

/** A heading's text, as an attribute takes it. */
const plain = (markdown: string) => escaped(markdown.replace(/[`*_\\]/g, "")).replaceAll('"', "&quot;");

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** What a code block of TypeScript gets: a program that it is a block of, or why it does not run. */
interface Example {
  readonly program: string;
  readonly block: number;
  readonly idle: string;
}

const IDLE = /^<!-- not run: (.*?) -->\s*$/;

/** Adds the page's examples to what the site runs, and says so on their tokens. @returns how many run */
function takeExamples(path: string, tokens: readonly Token[]): number {
  const reference = path.startsWith("reference/");
  const found: Tokens.Code[] = [];
  // A page of the guide is one program: where its beginning does not run, the rest does not.
  const whole = reference ? null : reasonOf(tokens.map(({ raw }) => raw).join(""));
  for (const [i, token] of tokens.entries()) {
    if (token.type !== "code" || !/^(ts|typescript)$/.test(token.lang ?? "")) continue;
    const before = tokens[i - 1];
    const said = before?.type === "html" ? IDLE.exec(before.raw)?.[1] : undefined;
    const idle = said ?? whole ?? (reference ? reasonOfReference(token.text) : null) ?? partly(token.lang);
    if (idle) Object.assign(token, { idle });
    else found.push(token as Tokens.Code);
  }
  for (const [i, token] of found.entries()) {
    const example = reference ? { program: `${path}-${i}`, block: 0 } : { program: path, block: i };
    Object.assign(token, example);
    if (reference) addExample(example.program, token.text);
  }
  if (!reference && found.length > 0)
    addProgram(
      path,
      found.map(({ text }) => text),
    );
  return found.length;
}

/** Blocks that no test runs are called `typescript`. */
const partly = (language?: string) => (language === "typescript" ? "it is a part of a program" : null);

/** The page cut at its headings, for the search. */
function sectionsOf(path: string, tokens: readonly Token[]): Section[] {
  // Below its third level the reference has headings such as Properties, which name nothing.
  const deepest = path.startsWith("reference/") ? 3 : 6;
  const sections: { id: string; page: string; title: string; text: string }[] = [];
  for (const token of tokens) {
    if (token.type === "heading" && token.depth <= deepest) {
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

/** Writes `docs/`: a piece of HTML a page, the list of pages, the index of the search; and what its examples run. */
export function documentation(): Plugin {
  const pages: Page[] = [];
  const search = new MiniSearch<Section>(SEARCH);
  for (const file of FOLDERS.flatMap(markdownIn)) {
    const path = file.replace(/\.md$/, "");
    const markdown = readFileSync(join(ROOT, "docs", file), "utf8");
    const marked = rendererFor(path);
    const tokens = marked.lexer(markdown);
    const examples = path.startsWith("design/") ? 0 : takeExamples(path, tokens);
    pages.push({ path, title: dirname(file) === "." ? path : titleOf(markdown, path), examples });
    serve(`docs/${path}.html`, marked.parser(tokens));
    if (!SAME.test(path)) search.addAll(sectionsOf(path, tokens));
  }
  serve("docs/pages.json", JSON.stringify(pages));
  serve("docs/search.json", JSON.stringify(search));
  return { name: "documentation" };
}
