/** @module What was said: an id and words a line, as Kaldi has them, or words and an id in parentheses, as sclite does. */
import { SviError, wrongOption } from "../errors.ts";
import { linesOf, words } from "./formats/lines.ts";
import type { CandidateList, ListFile } from "./lists.ts";

/**
 * `utterance-1 word word` or `word word (utterance-1)`, a line each.
 * @throws SviError `E_FORMAT` with the file and the line
 */
export function readReferences(file: ListFile): Map<string, string> {
  if (typeof file?.text !== "string")
    throw wrongOption("file", file, "a file, of { name, text }", "The file");
  const references = new Map<string, string>();
  const lines = linesOf(file);
  const trn = lines.every(({ text }) => /\([^()\s]+\)\s*$/.test(text));
  for (const line of lines) {
    const parts = (trn ? /^(?<text>.*)\((?<id>[^()\s]+)\)\s*$/s : /^\s*(?<id>\S+)(?<text>.*)$/s).exec(
      line.text,
    );
    const { id, text } = parts!.groups!;
    if (references.has(id))
      line.fail(`The id ${JSON.stringify(id)} is there twice`, "Give every reference once");
    references.set(id, words(text));
  }
  if (references.size > 0) return references;
  throw new SviError("E_FORMAT", `${file.name}:1: There are no references`, {
    value: file.name,
    remedy: "Give a line of id and words for every list",
  });
}

/** @throws SviError `E_FORMAT` for the first list that has none */
export function requireReferences(
  lists: readonly CandidateList[],
  references: ReadonlyMap<string, string>,
): void {
  if (typeof references.has !== "function")
    throw wrongOption(
      "references",
      references,
      "a Map from the ids of lists to texts, as readReferences returns",
    );
  const lacking = lists.filter(({ id }) => !references.has(id));
  if (lacking.length === 0) return;
  const first = JSON.stringify(lacking[0].id);
  throw new SviError(
    "E_FORMAT",
    lacking.length === 1
      ? `The list ${first} has no reference`
      : `${lacking.length} lists have no reference, ${first} the first`,
    {
      value: lacking.map(({ id }) => id),
      remedy: "Give a reference for every list",
    },
  );
}
