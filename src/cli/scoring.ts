/** @module Options of commands that read documents of which a part is not scored. */
import type { Values } from "./command.ts";
import { UsageError } from "./usage.ts";

export const SCORING = {
  "score-after": {
    kind: "text",
    value: "SYMBOL",
    help: "score only what follows this symbol in every document; \\t is a tab",
  },
  separator: {
    kind: "text",
    value: "SYMBOL",
    help: "with --score-after: what ends a document (default \\n)",
  },
} as const;

/** What `Corpus.open` takes. @throws UsageError for a separator alone */
export function scoringOf(options: Values<typeof SCORING>): { scoreAfter?: string; separator?: string } {
  const { "score-after": after, separator } = options;
  if (after === undefined && separator !== undefined) throw new UsageError("--separator needs --score-after");
  return { scoreAfter: symbolOf(after), separator: symbolOf(separator) };
}

/** Symbols that a shell makes hard to type. */
export function symbolOf(text: string | undefined): string | undefined {
  return text?.replaceAll("\\t", "\t").replaceAll("\\n", "\n");
}
