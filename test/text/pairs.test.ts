/** Pairs of texts as documents: what windows hold of them, in what order, and what is refused. */
import { describe, expect, it } from "vitest";
import { byteTokenizer, Corpus, type PairOptions, type Pairs, wordTokenizer } from "../../src/text/index.ts";
import { errorOf } from "../support/errors.ts";
import { randomNumbers } from "../support/random.ts";
import { sourceOf } from "./support.ts";

const random = randomNumbers(5);
const letters = (most: number) =>
  Array.from({ length: 1 + Math.floor(random() * most) }, () => "abcd"[Math.floor(random() * 4)]).join("");
const PAIRS = Array.from({ length: 53 }, () => [letters(20), letters(9)] as const);
const bytes = { tokenizer: byteTokenizer() };
const open = (pairs: Pairs, options: Partial<PairOptions> = {}) =>
  Corpus.pairs(pairs, { ...bytes, ...options });

interface Lane {
  readonly text: string;
  readonly targets: number[];
  readonly attended: string[];
}

/** Every lane of every window, with what its targets attend to. */
async function windowsOf(corpus: Corpus, batch: number, shuffle?: number, from = 0, epoch = 0) {
  const { longest } = corpus.documents!;
  const lanes = corpus.lanes({ batch, sequence: longest, shuffle });
  await lanes.seek(from, epoch);
  const [inputs, targets, first, last] = Array.from({ length: 4 }, () => new Int32Array(batch * longest));
  const windows: Lane[][] = [];
  for (;;) {
    const steps = await lanes.next(inputs, targets, { from: first, to: last });
    if (steps === 0) return windows;
    windows.push(
      Array.from({ length: batch }, (_, lane) => {
        const column = (ids: Int32Array) => Array.from({ length: steps }, (_, t) => ids[t * batch + lane]);
        const text = String.fromCharCode(...column(inputs));
        const to = column(last);
        const attended = column(first).map((at, t) => text.slice(at, to[t]));
        return { text, targets: column(targets), attended };
      }),
    );
  }
}

const sorted = (texts: readonly string[]) => [...texts].sort();
const documentOf = ([source, target]: readonly [string, string]) => `\n${source}\t${target}`;
const codes = (text: string) => Array.from(text, (symbol) => symbol.charCodeAt(0));

describe("windows of pairs", () => {
  it("hold a document a lane, of which the target and its end are scored and attend to the source", async () => {
    const windows = await windowsOf(await open([["abc", "xy"]]), 2);
    expect(windows).toEqual([
      [
        {
          text: "\nabc\txy",
          targets: [-1, -1, -1, -1, ...codes("xy\n")],
          attended: ["", "", "", "", "abc", "abc", "abc"],
        },
        { text: "\n\n\n\n\n\n\n", targets: Array(7).fill(-1), attended: Array(7).fill("") },
      ],
    ]);
  });

  it("hold every document once in every epoch, those of like length together, padded to the longest", async () => {
    const corpus = await open(PAIRS);
    const windows = await windowsOf(corpus, 4, 3, 0, 2);
    const documents = windows.flat().map(({ text }) => text.replace(/\n+$/, ""));
    expect(sorted(documents.filter((text) => text !== ""))).toEqual(sorted(PAIRS.map(documentOf)));
    const waste = windows.map((lanes) => {
      const lengths = lanes.map(({ text }) => text.replace(/\n+$/, "").length).filter((length) => length > 0);
      expect(lanes[0].text).toHaveLength(Math.max(...lengths));
      return Math.max(...lengths) - Math.min(...lengths);
    });
    // Mixed, the windows' lengths would differ by some twenty timesteps.
    expect(
      Math.max(
        ...waste
          .slice(0, -1)
          .sort((a, b) => a - b)
          .slice(0, -2),
      ),
    ).toBeLessThan(9);
  });

  it("come in an order that the seed and the epoch decide, and continue after a seek", async () => {
    const corpus = await open(PAIRS);
    const of = (seed: number, epoch: number, from = 0) => windowsOf(corpus, 4, seed, from, epoch);
    const [first, again, later, other] = [await of(1, 0), await of(1, 0), await of(1, 1), await of(2, 0)];
    expect(again).toEqual(first);
    expect(later).not.toEqual(first);
    expect(other).not.toEqual(first);
    expect(await of(1, 1, 5)).toEqual(later.slice(5));
    const texts = (windows: Lane[][]) => windows.map((lanes) => lanes.map(({ text }) => text.trim()).join());
    expect(sorted(texts(later)), "another composition, not only another order").not.toEqual(
      sorted(texts(first)),
    );
  });

  it("come in the order of the pairs where nothing is to be shuffled", async () => {
    const windows = await windowsOf(await open(PAIRS), 1);
    expect(windows.map(([{ text }]) => text)).toEqual(PAIRS.map(documentOf));
  });

  it("count what they read", async () => {
    const corpus = await open(PAIRS);
    const total = PAIRS.reduce((sum, [source, target]) => sum + source.length + target.length + 2, 0);
    const scored = PAIRS.reduce((sum, [, target]) => sum + target.length + 1, 0);
    expect(corpus.lanes({ batch: 4, sequence: 64 })).toMatchObject({ windows: 14, tokens: total, unread: 0 });
    expect(corpus.tokens).toBe(total + 1);
    expect(await corpus.scored()).toBe(scored);
    expect(corpus.documents).toMatchObject({ count: 53, omitted: 0 });
  });
});

describe("pairs", () => {
  it("are the same from an array, a generator, two texts and tab-separated lines", async () => {
    async function* generated() {
      yield* PAIRS;
    }
    const lines = (side: 0 | 1, end: string) => PAIRS.map((pair) => pair[side] + end).join("");
    const tsv = PAIRS.map((pair) => pair.join("\t")).join("\n");
    const files = { source: sourceOf(lines(0, "\r\n")), target: new TextEncoder().encode(lines(1, "\n")) };
    const wanted = await windowsOf(await open(PAIRS), 1);
    for (const pairs of [
      new Map(PAIRS.map((p, i) => [i, p])).values(),
      generated(),
      files,
      tsv,
      sourceOf(tsv),
    ])
      expect(await windowsOf(await open(pairs as Pairs), 1)).toEqual(wanted);
  });

  it("have one vocabulary for both sides, with what stands between them", async () => {
    const characters = await open(PAIRS, { tokenizer: "character" });
    expect(characters.tokenizer.describe()).toMatchObject({ characters: "\t\nabcd" });
    const words = await open([["a b", "c"]], { tokenizer: "word" });
    expect(words.tokenizer.decode(await tokens(words))).toBe("\na b <sep> c\n");
  });

  it("that are too long are omitted and counted where that is asked for", async () => {
    const some = [
      ["aaaaaaaa", "b"],
      ["a", "b"],
      ["a", "bbbbbbbb"],
      ["aaaa", "bbbb"],
    ] as const;
    const corpus = await open(some, { longest: 10, tooLong: "omit" });
    expect(corpus.documents).toEqual({ count: 2, omitted: 2, longest: 10 });
  });

  it("have another fingerprint than their text", async () => {
    const text = `\n${PAIRS.map((pair) => `${pair.join("\t")}\n`).join("")}`;
    const stream = await Corpus.open(text, { ...bytes, scoreAfter: "\t" });
    const corpus = await open(PAIRS);
    expect(await tokens(corpus)).toEqual(codes(text));
    expect(await corpus.fingerprint()).not.toBe(await stream.fingerprint());
  });
});

async function tokens(corpus: Corpus): Promise<number[]> {
  const { longest } = corpus.documents!;
  const lanes = corpus.lanes({ batch: 1, sequence: longest });
  const [inputs, targets] = [new Int32Array(longest), new Int32Array(longest)];
  const ids: number[] = [];
  for (let steps = await lanes.next(inputs, targets); steps > 0; steps = await lanes.next(inputs, targets))
    ids.push(...inputs.subarray(0, steps));
  return [...ids, ids[0]];
}

describe("what is not a pair", () => {
  const files = (source: string, target: string) => ({
    source: Object.assign(sourceOf(source), { name: "en.txt" }),
    target: Object.assign(sourceOf(target), { name: "fr.txt" }),
  });

  it.each<[string, Pairs, Partial<PairOptions>, string, RegExp]>([
    ["an empty target", files("a\nb\n", "c\n\n"), {}, "E_PAIRS", /^fr.txt, line 2: the target is empty/],
    ["a line too few", files("a\nb\n", "c\n"), {}, "E_PAIRS", /^fr.txt has 1 lines, and en.txt has more/],
    ["a line too many", files("a\n", "c\nd"), {}, "E_PAIRS", /^en.txt has 1 lines, and fr.txt has more/],
    [
      "a separator in a source",
      files("a\nb\tb", "c\nd"),
      {},
      "E_PAIRS",
      /^en.txt, line 2: the source holds the scoreAfter symbol/,
    ],
    [
      "a separator in a target",
      [["a", "b\n"]],
      {},
      "E_PAIRS",
      /^Pair 0: the target holds the separator symbol/,
    ],
    ["a line without a tab", "a\tb\nc\n", {}, "E_PAIRS", /^Line 2 has 0 tabs/],
    ["a line with two tabs", "a\tb\tc\n", {}, "E_PAIRS", /^Line 1 has 2 tabs/],
    [
      "a document that is too long",
      [
        ["a", "b"],
        ["abcd", "e"],
      ],
      { longest: 6 },
      "E_TEXT_LONG",
      /^Pair 1: the document has 7 timesteps/,
    ],
    [
      "nothing but documents that are too long",
      [["abcd", "e"]],
      { longest: 6, tooLong: "omit" },
      "E_TEXT_EMPTY",
      /All 1 pairs/,
    ],
    ["no pair", [], {}, "E_TEXT_EMPTY", /There are no pairs/],
    ["no pair to learn from", "", { tokenizer: "word" }, "E_TEXT_EMPTY", /There are no pairs/],
    ["something else in a list", [["a", 1]] as never, {}, "E_PAIRS", /^Pair 0 is an array, not two strings/],
    ["a number", 5 as never, {}, "E_OPTION", /The pairs are 5/],
    ["a bad word for what is too long", [], { tooLong: "cut" as never }, "E_OPTION", /tooLong is "cut"/],
    [
      "a vocabulary without a symbol between",
      [["a", "b"]],
      { tokenizer: wordTokenizer({ words: ["a", "b"] }) },
      "E_OPTION",
      /"<sep>" is not in the vocabulary/,
    ],
  ])("is refused: %s", async (_, pairs, options, code, message) => {
    expect(await errorOf(() => open(pairs, options))).toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it("says where a text is not UTF-8, and which window is too short", async () => {
    const error = await errorOf(() => open(Uint8Array.of(97, 9, 98, 10, 0xff, 9, 98)));
    expect(error).toMatchObject({ code: "E_TEXT_ENCODING", value: 4 });
    const corpus = await open(PAIRS);
    expect(await errorOf(() => corpus.lanes({ batch: 2, sequence: 4 }))).toMatchObject({
      option: "sequence",
    });
    expect(await errorOf(() => corpus.slice(1, 3))).toMatchObject({ code: "E_OPTION" });
  });
});
