/** @module Where pairs of texts come from: two files, one of tab-separated values, or anything that gives them one by one. */
import { SviError } from "../errors.ts";
import { shown } from "../options.ts";
import { bytesIn, isBlob } from "../shapes.ts";
import { sourceFeed } from "./feed.ts";
import { type ByteSource, openBytes, type TextSource } from "./source.ts";
import { decodeUtf8 } from "./utf8.ts";

/** Two texts of as many lines: line n of one belongs to line n of the other. */
export interface PairFiles {
  source: TextSource;
  target: TextSource;
}

/**
 * Pairs of source and target: an array or any iterable of them, two texts line by line, or one text of lines with a tab
 * between the two.
 */
export type Pairs =
  | Iterable<readonly [source: string, target: string]>
  | AsyncIterable<readonly [source: string, target: string]>
  | PairFiles
  | TextSource;

export type Side = "source" | "target";

export interface Pair {
  readonly source: string;
  readonly target: string;
  /** Where a side stands, to begin a message with. */
  where(side?: Side): string;
}

const LF = 10;
const CR = 13;
const READ_AHEAD = 2 ** 20;
/** Bytes looked through at first for a line's end, and those that a line has at most. */
const LINE = 2 ** 10;
const LONGEST_LINE = 2 ** 24;

/** @throws SviError `E_OPTION`, `E_PAIRS`, `E_TEXT_ENCODING`, what the source throws */
export async function* pairsOf(pairs: Pairs): AsyncGenerator<Pair, void, void> {
  if (typeof pairs === "string" || isText(pairs)) yield* tabSeparated(pairs as TextSource);
  else if (isFiles(pairs)) yield* sideBySide(pairs);
  else yield* given(pairs as Iterable<unknown>);
}

function isText(pairs: unknown): boolean {
  const { read, size } = (pairs ?? {}) as Partial<ByteSource>;
  return bytesIn(pairs) !== null || isBlob(pairs) || (typeof read === "function" && size !== undefined);
}

function isFiles(pairs: unknown): pairs is PairFiles {
  const files = pairs as Partial<PairFiles> | null;
  return typeof files === "object" && files?.source !== undefined && files.target !== undefined;
}

export function wrongPairs(problem: string, value: unknown, remedy: string): SviError {
  return new SviError("E_PAIRS", problem, { option: "pairs", value, remedy });
}

async function* tabSeparated(text: TextSource): AsyncGenerator<Pair, void, void> {
  const name = nameOf(text);
  let line = 0;
  for await (const both of linesOf(await openBytes(text), name)) {
    const where = placeIn(name, ++line);
    const fields = both.split("\t");
    if (fields.length !== 2)
      throw wrongPairs(
        `${where} has ${fields.length - 1} tabs, not one between source and target`,
        line,
        "Write every line as source, tab, target",
      );
    yield { source: fields[0], target: fields[1], where: () => where };
  }
}

async function* sideBySide({ source, target }: PairFiles): AsyncGenerator<Pair, void, void> {
  const names = { source: nameOf(source) ?? "the source", target: nameOf(target) ?? "the target" };
  const targets = linesOf(await openBytes(target), names.target);
  let lines = 0;
  for await (const own of linesOf(await openBytes(source), names.source)) {
    const other = await targets.next();
    if (other.done) throw unequal(names.target, names.source, lines);
    const line = ++lines;
    const where = (side: Side = "source") => placeIn(names[side], line);
    yield { source: own, target: other.value, where };
  }
  if (!(await targets.next()).done) throw unequal(names.source, names.target, lines);
}

function unequal(shorter: string, longer: string, lines: number): SviError {
  return wrongPairs(
    `${capital(shorter)} has ${lines} lines, and ${longer} has more`,
    lines,
    "Give two texts of as many lines, of which those of one number belong together",
  );
}

async function* given(pairs: Iterable<unknown> | AsyncIterable<unknown>): AsyncGenerator<Pair, void, void> {
  const found = pairs as Partial<Iterable<unknown> & AsyncIterable<unknown>> | null | undefined;
  if (!found?.[Symbol.asyncIterator] && !found?.[Symbol.iterator])
    throw new SviError("E_OPTION", `The pairs are ${shown(pairs)}`, {
      option: "pairs",
      value: pairs,
      remedy:
        "Give an iterable of [source, target], { source, target } of two texts, or a tab-separated text",
    });
  let index = 0;
  for await (const pair of pairs) {
    const where = `Pair ${index++}`;
    const [source, target] = Array.isArray(pair) && pair.length === 2 ? pair : [];
    if (typeof source !== "string" || typeof target !== "string")
      throw wrongPairs(
        `${where} is ${shown(pair)}, not two strings`,
        pair,
        "Give arrays of source and target",
      );
    yield { source, target, where: () => where };
  }
}

/** A file says what it is called: those of forms, and of the command line. */
function nameOf(source: TextSource): string | undefined {
  const { name } = source as { readonly name?: unknown };
  return typeof name === "string" ? name : undefined;
}

function placeIn(name: string | undefined, line: number): string {
  return name === undefined ? `Line ${line}` : `${capital(name)}, line ${line}`;
}

/** At the beginning of a sentence; names of files stay as they are. */
function capital(name: string): string {
  return name.replace(/^the /, "The ");
}

/** Lines without their ends. */
async function* linesOf(source: ByteSource, name: string | undefined): AsyncGenerator<string, void, void> {
  const feed = sourceFeed(source, 0, READ_AHEAD);
  for (let line = 1; ; line++) {
    let wanted = LINE;
    let bytes = await feed.peek(wanted);
    let end = bytes.indexOf(LF);
    while (end < 0 && bytes.length === wanted) {
      if (wanted >= LONGEST_LINE)
        throw wrongPairs(
          `${placeIn(name, line)} has more than ${LONGEST_LINE} bytes`,
          line,
          "Write a pair a line",
        );
      wanted *= 2;
      bytes = await feed.peek(wanted);
      end = bytes.indexOf(LF);
    }
    if (bytes.length === 0) return;
    const length = end < 0 ? bytes.length : end;
    const cut = length > 0 && bytes[length - 1] === CR ? length - 1 : length;
    const text = decoded(bytes.subarray(0, cut), feed.position, placeIn(name, line));
    feed.skip(end < 0 ? length : length + 1);
    yield text;
  }
}

function decoded(bytes: Uint8Array, offset: number, where: string): string {
  try {
    return decodeUtf8(bytes, offset);
  } catch (error) {
    const { code, problem, value, remedy } = error as SviError;
    throw new SviError(code, `${where}: ${problem}`, { value, remedy, cause: error });
  }
}
