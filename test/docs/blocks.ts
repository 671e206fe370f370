/** The fenced code blocks of Markdown pages, and of the examples in docstrings. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Block {
  readonly language: string;
  readonly code: string;
  /** Line of the page that the code begins at, 1-based. */
  readonly line: number;
  /** Typed, but not run: a comment before the fence says why. */
  readonly idle: boolean;
}

/** In the order of the page. A comment `<!-- not run: … -->` before a fence makes its block idle. */
export function blocksOf(markdown: string): Block[] {
  const lines = markdown.split("\n");
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; i++) {
    const language = /^```(\w+)$/.exec(lines[i])?.[1];
    if (!language) continue;
    const from = i + 1;
    while (i + 1 < lines.length && lines[i + 1] !== "```") i++;
    const idle = /^<!-- not run: .* -->$/.test(lines[from - 2] ?? "");
    blocks.push({ language, code: lines.slice(from, i + 1).join("\n"), line: from + 1, idle });
    i++;
  }
  return blocks;
}

/** README.md and the guide. */
export function pages(): string[] {
  return ["README.md", ...markdownOf("docs/guide")];
}

export function markdownOf(folder: string): string[] {
  return filesOf(folder, ".md");
}

export function filesOf(folder: string, suffix: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(suffix))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

export interface Example extends Block {
  /** The file whose docstring it stands in. */
  readonly file: string;
}

/** The `ts` blocks of all docstrings under `src/`. */
export function docstringExamples(): Example[] {
  return filesOf("src", ".ts").flatMap((file) => {
    const source = readFileSync(file, "utf8");
    return [...source.matchAll(/\/\*\*[\s\S]*?\*\//g)].flatMap((comment) => {
      const before = source.slice(0, comment.index).split("\n").length - 1;
      const text = comment[0].replace(/^ *\* ?/gm, "");
      return blocksOf(text)
        .filter(({ language }) => language === "ts")
        .map((block) => ({ ...block, line: before + block.line, file }));
    });
  });
}
