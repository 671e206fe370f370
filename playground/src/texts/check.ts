/** @module Whether something can be learnt from a text; told before anything is lost. */
import { Refusal } from "../parts/notice.ts";

/** Bytes that the page takes: what it can read through in an afternoon. */
const MOST = 8_000_000;
const PART = 1_000_000;
/** Characters that some lanes and some held-out text can be made of. */
const LEAST = 400;

const inMegabytes = (bytes: number) =>
  `${(bytes / 1e6).toLocaleString("en", { maximumFractionDigits: 1 })} MB`;

/** @param shorten takes the text that is offered instead. @throws Refusal */
export async function readTextFile(file: File, shorten: (text: string) => void): Promise<string> {
  if (file.size > MOST) {
    const take = async () => shorten(wholeLines(await file.slice(0, PART).text()));
    throw new Refusal(
      `${file.name} has ${inMegabytes(file.size)}, more than the ${inMegabytes(MOST)} that this page takes`,
      "Take its beginning, or use the command line of svi-lm, which reads files of any size",
      [{ label: `Take the first ${inMegabytes(PART)}`, run: () => void take() }],
    );
  }
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (bytes.subarray(0, 65_536).includes(0)) throw binary(file.name);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw binary(file.name);
  }
}

function binary(name: string): Refusal {
  return new Refusal(
    `${name} is not a text in UTF-8`,
    "Open a text file; in a word processor, save as plain text in UTF-8",
  );
}

function wholeLines(text: string): string {
  const clean = text.replace(/\uFFFD+$/, "");
  const end = clean.lastIndexOf("\n");
  return end > 0 ? clean.slice(0, end + 1) : clean;
}

/** @throws Refusal */
export function requireLearnable(text: string): void {
  if (text.trim() === "")
    throw new Refusal("There is no text yet", "Choose one of the sample texts, paste one, or open a file");
  if (text.length < LEAST)
    throw new Refusal(
      `The text has ${text.length} characters`,
      `Give at least ${LEAST}: part of it is held out, to see what the model makes of text that it did not read`,
    );
  if (new Set(text.slice(0, 100_000)).size < 2)
    throw new Refusal(
      "The text repeats one symbol",
      "There is nothing to learn from it: give a text with at least two different symbols",
    );
  if (text.length > MOST)
    throw new Refusal(`The text has ${inMegabytes(text.length)}`, `Paste at most ${inMegabytes(MOST)}`);
}
