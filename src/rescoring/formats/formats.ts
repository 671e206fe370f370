/** @module The formats by name, and which one files have. */
import { requireChoice, SviError, wrongOption } from "../../errors.ts";
import type { CandidateList, ListFile, ListFormat, RankedList } from "../lists.ts";
import { jsonl } from "./jsonl.ts";
import { kaldi } from "./kaldi.ts";
import { moses } from "./moses.ts";
import { pocketsphinx } from "./pocketsphinx.ts";
import { srilm } from "./srilm.ts";
import { tsv } from "./tsv.ts";

/** In the order in which they are tried: what is most particular first. */
const FORMATS = { jsonl, moses, srilm, tsv, pocketsphinx, kaldi } satisfies Record<string, ListFormat>;

export type FormatName = keyof typeof FORMATS;
export const FORMAT_NAMES = Object.keys(FORMATS) as FormatName[];

/** What was read, and as what. */
export interface ReadLists {
  readonly format: FormatName;
  readonly lists: CandidateList[];
  /** What the format's scores weigh by default. */
  readonly weights: Readonly<Record<string, number>>;
}

/**
 * Reads candidate lists.
 *
 * `readLists([{ name: "dev.tsv", text }])` → lists of `{ id, candidates: [{ text, scores }] }`
 * @param files of Kaldi's the words and the costs together; of SRILM and pocketsphinx one a list
 * @throws SviError `E_FORMAT` with the file and the line: an unknown format, double ids, scores that some lack, no
 *   candidates; `E_OPTION`
 */
export function readLists(files: readonly ListFile[], format: FormatName | "auto" = "auto"): ReadLists {
  if (!Array.isArray(files) || files.some((file) => typeof file?.text !== "string"))
    throw wrongOption("files", files, "files, of { name, text }");
  if (files.length === 0)
    throw new SviError("E_OPTION", "There are no files", { option: "files", remedy: "Give at least one" });
  const empty = files.find(({ text }) => text.trim() === "");
  if (empty)
    throw new SviError("E_FORMAT", `${empty.name}:1: The file is empty`, {
      value: empty.name,
      remedy: "Give lists",
    });
  const name = format === "auto" ? formatOf(files) : format;
  if (!FORMAT_NAMES.includes(name))
    throw wrongOption("format", format, `one of auto, ${FORMAT_NAMES.join(", ")}`);
  const lists = FORMATS[name].read(files);
  const names = Object.keys(lists[0].candidates[0].scores);
  const known: Readonly<Record<string, number>> = FORMATS[name].weights;
  const own = names.filter((each) => each in known);
  const weights = Object.fromEntries(names.map((each) => [each, own.length > 0 ? (known[each] ?? 0) : 1]));
  return { format: name, lists, weights };
}

/** Writes lists in their new order, as files of a format. */
export function writeLists(lists: readonly RankedList[], format: FormatName): ListFile[] {
  requireChoice("format", format, FORMAT_NAMES);
  return FORMATS[format].write(lists);
}

function formatOf(files: readonly ListFile[]): FormatName {
  for (const name of FORMAT_NAMES) if (files.every((file) => FORMATS[name].recognises(file))) return name;
  const first =
    files.find((file) => FORMAT_NAMES.every((name) => !FORMATS[name].recognises(file))) ?? files[0];
  const line = first.text.split("\n", 1)[0].slice(0, 80);
  throw new SviError("E_FORMAT", `${first.name}:1: The format is not known: ${JSON.stringify(line)}`, {
    value: first.name,
    remedy: `Name it: ${FORMAT_NAMES.join(", ")}`,
  });
}
