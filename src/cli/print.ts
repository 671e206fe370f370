/** @module How results and errors are put on paper. */
import { counted as plain } from "../errors.ts";

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Rows under each other, every column as wide as its widest entry. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, c) => Math.max(...rows.map((row) => row[c].length)));
  return rows
    .map((row) => `  ${row.map((cell, c) => cell.padEnd(widths[c])).join("  ")}`.trimEnd())
    .join("\n");
}

export function printTable(rows: readonly (readonly string[])[]): void {
  process.stdout.write(`${columns(rows)}\n`);
}

/** A line of its own on stderr, for people. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** What a person should know, and what forbids nothing. */
export function warn(message: string, json: boolean): void {
  if (json) printJson({ event: "warning", message });
  else note(`warning: ${message}`);
}

export const count = (n: number): string => Math.round(n).toLocaleString("en");

/** `1 token`, `2,000 tokens`. */
export const counted = (n: number, noun: string): string => plain(n, noun, count(n));

export function fixed(value: number | null, digits = 3): string {
  return value === null ? "unknown" : value.toFixed(digits);
}

export function byteSize(bytes: number): string {
  if (bytes < 1e3) return `${bytes} bytes`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

export function duration(seconds: number): string {
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}
