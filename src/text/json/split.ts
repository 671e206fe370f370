/** @module Cutting a text at what a pattern matches, and what becomes of the matches. */

export const BEHAVIORS = [
  "Removed",
  "Isolated",
  "MergedWithPrevious",
  "MergedWithNext",
  "Contiguous",
] as const;
export type Behavior = (typeof BEHAVIORS)[number];

/** From, to, and whether the pattern matched there; spans cover a text without gaps. */
export type Span = readonly [number, number, boolean];

/** Spans of a text by a global expression. An empty match right behind another match does not count. */
export function spansOf(text: string, pattern: RegExp): Span[] {
  const spans: Span[] = [];
  let previous = 0;
  let matchEnd = -1;
  for (const { index, 0: match } of text.matchAll(pattern)) {
    const end = index + match.length;
    if (match.length === 0 && index === matchEnd) continue;
    if (previous !== index) spans.push([previous, index, false]);
    spans.push([index, end, true]);
    previous = end;
    matchEnd = end;
  }
  if (previous !== text.length) spans.push([previous, text.length, false]);
  return spans;
}

/** The spans that are kept, in order; empty ones may be among them. */
export function cut(spans: readonly Span[], behavior: Behavior): (readonly [number, number])[] {
  switch (behavior) {
    case "Isolated":
      return spans.map(([start, end]) => [start, end]);
    case "Removed":
      return spans.filter(([, , matches]) => !matches).map(([start, end]) => [start, end]);
    case "Contiguous":
      return joined(spans, (matches, before) => matches === before);
    case "MergedWithPrevious":
      return joined(spans, (matches, before) => matches && !before);
    case "MergedWithNext":
      return joined([...spans].reverse(), (matches, before) => matches && !before).reverse();
  }
}

/** Neighbours become one where `joins` says so of whether they match and whether the one before did. */
function joined(
  spans: readonly Span[],
  joins: (matches: boolean, before: boolean) => boolean,
): [number, number][] {
  const out: [number, number][] = [];
  let before = false;
  for (const [start, end, matches] of spans) {
    const last = out[out.length - 1];
    if (last && joins(matches, before)) {
      last[0] = Math.min(last[0], start);
      last[1] = Math.max(last[1], end);
    } else out.push([start, end]);
    before = matches;
  }
  return out;
}
