/** Links of the Markdown pages lead somewhere, and those of published pages to what is published. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";
import { markdownOf } from "./blocks.ts";

/** Made by `npm run docs`, and checked once they are. */
const GENERATED = [/^docs\/reference\//, /^docs\/guide\/errors\.md$/];
const PAGES = [
  "README.md",
  "CHANGELOG.md",
  ...(existsSync("CONTRIBUTING.md") ? ["CONTRIBUTING.md"] : []),
  ...markdownOf("docs"),
];
const { files } = JSON.parse(readFileSync("package.json", "utf8")) as { files: string[] };
const published = (path: string) =>
  ["README.md", "LICENSE", "package.json", ...files].some(
    (file) => path === file || path.startsWith(`${file.replace(/\/$/, "")}/`),
  );

interface Link {
  readonly line: number;
  /** Relative to the root of the repository. */
  readonly path: string;
  readonly anchor: string | undefined;
}

function linksOf(page: string): Link[] {
  const lines = withoutCode(readFileSync(page, "utf8")).split("\n");
  return lines.flatMap((text, i) =>
    [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => {
      const [path, anchor] = target.split("#");
      return { line: i + 1, path: path ? normalize(join(dirname(page), path)) : page, anchor };
    }),
  );
}

function withoutCode(markdown: string): string {
  return markdown.replace(/^```[\s\S]*?^```$/gm, (block) => block.replace(/[^\n]/g, ""));
}

/** As code hosts make them: lower case, without punctuation, spaces as hyphens. */
function anchorsOf(page: string): string[] {
  const seen = new Map<string, number>();
  const text = withoutCode(readFileSync(page, "utf8"));
  const given = [...text.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id);
  const made = [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) => {
    const anchor = title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-");
    const before = seen.get(anchor) ?? 0;
    seen.set(anchor, before + 1);
    return before === 0 ? anchor : `${anchor}-${before}`;
  });
  return [...given, ...made];
}

describe.each(PAGES)("%s", (page) => {
  const links = linksOf(page);

  test("links to files that exist, and to headings that they have", () => {
    const broken = links.filter(({ path, anchor }) => {
      if (!existsSync(path)) return !GENERATED.some((pattern) => pattern.test(path));
      return anchor !== undefined && !anchorsOf(path).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  test.runIf(published(page))("links to nothing that the package does not ship", () => {
    expect(links.filter(({ path }) => !published(path))).toEqual([]);
  });
});

test("every page of the guide is linked from its index, with at most one table a page", () => {
  const linked = linksOf("docs/guide/README.md").map(({ path }) => path);
  const pages = markdownOf("docs/guide").filter((page) => page !== "docs/guide/README.md");
  expect(linked).toEqual(expect.arrayContaining(pages));
  const tables = (page: string) => withoutCode(readFileSync(page, "utf8")).match(/^\|[ :|-]+\|$/gm) ?? [];
  expect(pages.filter((page) => tables(page).length > 1)).toEqual([]);
});

test("README.md is short: under 90 lines", () => {
  expect(readFileSync("README.md", "utf8").split("\n").length).toBeLessThan(90);
});
