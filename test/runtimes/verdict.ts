/** @module What the reports say together: hashes, who differs and in what, the table. */
import { createHash } from "node:crypto";
import type { Figures, Report } from "./cases.ts";
import type { Engine } from "./runtimes.ts";

/** What came of one runtime. */
export interface Result {
  readonly name: string;
  /** What was asked for; the report says what was found. */
  readonly engine: Engine;
  readonly version: string | null;
  readonly report: Report | null;
  /** Whether it was looked for in vain. */
  readonly missing: boolean;
  /** What went wrong, or null. */
  readonly problem: string | null;
}

export interface Verdict {
  readonly runtimes: readonly Judged[];
  /** Whether all that were asked for ended with the same hash, on the engines they stand for. */
  readonly identical: boolean;
  /** In words, everything that is wrong. */
  readonly problems: readonly string[];
}

export interface Judged extends Result {
  readonly hashes: Readonly<Record<Part, string>> | null;
  /** Over all parts. */
  readonly hash: string | null;
  readonly ok: boolean;
}

const PARTS = ["parameters", "evaluation", "text"] as const;
type Part = (typeof PARTS)[number];

/** @param all whether those that are missing were asked for too */
export function judge(results: readonly Result[], all: boolean): Verdict {
  const hashed = results.map((result) => ({ ...result, ...hashesOf(result.report) }));
  const expected = commonest(hashed.flatMap(({ hash }) => hash ?? []));
  const runtimes = hashed.map((result) => ({
    ...result,
    ok: result.hash !== null && result.hash === expected && result.report?.engine === result.engine,
  }));
  const asked = runtimes.filter(({ missing }) => all || !missing);
  const reference = runtimes.find(({ ok }) => ok)?.report ?? null;
  return {
    runtimes,
    identical: asked.length > 0 && asked.every(({ ok }) => ok),
    problems: asked.flatMap((result) => (result.ok ? [] : problemsOf(result, reference))),
  };
}

function hashesOf(report: Report | null): Pick<Judged, "hashes" | "hash"> {
  if (!report) return { hashes: null, hash: null };
  const parts = PARTS.map((part) => [part, sha256(JSON.stringify(Object.entries(report[part])))] as const);
  const hashes = Object.fromEntries(parts) as Record<Part, string>;
  return { hashes, hash: sha256(JSON.stringify(parts)) };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** The first of those that come up most often. */
function commonest(hashes: readonly string[]): string | null {
  const times = (hash: string) => hashes.filter((other) => other === hash).length;
  return hashes.reduce<string | null>(
    (best, h) => (best === null || times(h) > times(best) ? h : best),
    null,
  );
}

function problemsOf(result: Judged, reference: Report | null): string[] {
  const { name, report, engine, problem } = result;
  if (!report) return [`${name}: ${problem}`];
  if (report.engine !== engine) return [`${name} runs on ${report.engine}, not ${engine}`];
  return PARTS.flatMap((part) => differences(`${name}, ${part}`, report[part], reference![part]));
}

/** The first figure that differs, with how many do. */
function differences(where: string, figures: Figures, reference: Figures): string[] {
  const names = [...new Set([...Object.keys(reference), ...Object.keys(figures)])];
  const different = names.filter((name) => figures[name] !== reference[name]);
  if (different.length === 0) return [];
  const [first] = different;
  return [
    `${where}: ${different.length} of ${names.length} figures differ, first "${first}": ${figures[first]}, elsewhere ${reference[first]}`,
  ];
}

/** One line, for machines. */
export function json({ runtimes, identical }: Verdict): string {
  const line = runtimes.map(({ name, version, engine, report, hash, ok }) => ({
    name,
    version,
    engine: report?.engine ?? engine,
    hash,
    ok,
  }));
  return JSON.stringify({ runtimes: line, identical });
}

/** For people; a dash where there is nothing to say. */
export function table({ runtimes }: Verdict): string {
  const rows = runtimes.map(({ name, version, engine, report, hashes, hash, missing, problem, ok }) => [
    name,
    version ?? "–",
    report?.engine ?? engine,
    ...PARTS.map((part) => hashes?.[part].slice(0, 8) ?? "–"),
    hash?.slice(0, 16) ?? "–",
    report?.tokensPerSecond ? Math.round(report.tokensPerSecond).toLocaleString("en") : "–",
    ok ? "same" : missing ? problem! : hash ? "DIFFERS" : "FAILED",
  ]);
  const all = [["runtime", "version", "engine", ...PARTS, "all", "tokens/s", ""], ...rows];
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const line = (row: readonly string[]) =>
    row.map((cell, column) => (column === 7 ? cell.padStart(widths[7]) : cell.padEnd(widths[column])));
  return all.map((row) => line(row).join("  ").trimEnd()).join("\n");
}
