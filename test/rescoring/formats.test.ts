/** Formats of candidate lists: what each tool writes is read, what is malformed is refused by file and line. */
import { describe, expect, test } from "vitest";
import {
  type CandidateList,
  type FormatName,
  type RankedList,
  readLists,
  readReferences,
  writeLists,
} from "../../src/entries/rescoring.ts";

const file = (name: string, ...lines: string[]) => ({
  name,
  text: lines.map((line) => `${line}\n`).join(""),
});
const texts = (lists: readonly CandidateList[]) => lines(lists.map(({ candidates }) => candidates));
const lines = (candidates: readonly CandidateList["candidates"][]) =>
  candidates.map((own) => own.map(({ text }) => text));

describe("a file is read as its tool wrote it", () => {
  test("Kaldi's words and costs: numbered ids in order, costs turned round, trailing blanks", () => {
    const words = ["u-a-10 c ", "u-a-2 b d ", "u-a-1 a ", "v-1 ", "v-2 5"].map((line) => line);
    const { format, lists, weights } = readLists([
      file("out/words.txt", ...words),
      file("out/ac_cost", "u-a-1 10.5", "u-a-2 11 ", "u-a-10 12", "v-1 -3", "v-2 1e2"),
      file("out/lm_cost", "u-a-1 1", "u-a-2 2", "u-a-10 3", "v-1 4", "v-2 5"),
    ]);
    expect(format).toBe("kaldi");
    expect(lists.map(({ id }) => id)).toEqual(["u-a", "v"]);
    expect(texts(lists)).toEqual([
      ["a", "b d", "c"],
      ["", "5"],
    ]);
    expect(lists[0].candidates[0].scores).toEqual({ ac_cost: -10.5, lm_cost: -1 });
    expect(weights).toEqual({ ac_cost: 0.1, lm_cost: 1 });
  });

  test("Moses, old and new: features by name, the total, a segmentation and an alignment", () => {
    const { format, lists, weights } = readLists([
      file(
        "old.nbest",
        "0 ||| the  house ||| lm: -3.5 tm: -1 -2 0||| -4.5",
        "1 ||| a house  ||| lm: -3 tm: -1 -1 0  ||| -5 ||| 0=0 1=1 ||| 0-0 1-1",
      ),
    ]);
    expect(format).toBe("moses");
    expect(lists[0].candidates[0]).toMatchObject({
      text: "the house",
      scores: { lm: -3.5, "tm.0": -1, "tm.1": -2, "tm.2": 0, total: -4.5 },
    });
    expect(lists[1].candidates[0].rest).toEqual(["0=0 1=1", "0-0 1-1"]);
    expect(weights).toEqual({ lm: 0, "tm.0": 0, "tm.1": 0, "tm.2": 0, total: 1 });
  });

  test("SRILM's own lines: log10, marks and pauses are not words", () => {
    const { format, lists } = readLists([
      file("lists/u-1.nbest", "-10 -2.5 2 <s> a -pau- b </s>", "-11 -2 0"),
    ]);
    expect([format, lists[0].id]).toEqual(["srilm", "u-1"]);
    expect(texts(lists)).toEqual([["a b", ""]]);
    expect(lists[0].candidates[0].scores.acoustic).toBeCloseTo(-10 * Math.log(10), 12);
    expect(lists[0].candidates[0].scores.language).toBeCloseTo(-2.5 * Math.log(10), 12);
  });

  test("NBestList1.0: bytelogs", () => {
    const { format, lists } = readLists([file("u-1.nbest", "NBestList1.0", "(-1000) a b", "(-2000)")]);
    expect(format).toBe("srilm");
    expect(texts(lists)).toEqual([["a b", ""]]);
    expect(lists[0].candidates[0].scores.score).toBeCloseTo((-1000 * 1024) / 10000.5, 12);
  });

  test("NBestList2.0: words with times and scores, units below them passed over", () => {
    const timed = (word: string, st: number, et: number) => `${word} ( st: ${st} et: ${et} g: -10 a: -100 )`;
    const line = `(-330) ${timed("the", 0, 0.2)} ${timed("dh", 0, 0.1)} ${timed("ax", 0.1, 0.2)} ${timed("cat", 0.21, 0.5)}`;
    const { lists } = readLists([file("u-1.nbest", "NBestList2.0", line)]);
    expect(texts(lists)).toEqual([["the cat"]]);
    expect(lists[0].candidates[0].scores.language).toBeCloseTo((-20 * 1024) / 10000.5, 12);
    expect(lists[0].candidates[0].scores.acoustic).toBeCloseTo((-200 * 1024) / 10000.5, 12);
  });

  test("pocketsphinx: unsorted, repeated, (null) for no words, the base 1.0001 over 1024", () => {
    const { format, lists } = readLists([
      file("nbest/u-1.hyp", "b c -2000", "a -1000", "b c -2100", "(null) -3000"),
    ]);
    expect([format, lists[0].id]).toEqual(["pocketsphinx", "u-1"]);
    expect(texts(lists)).toEqual([["a", "b c", "b c", ""]]);
    expect(lists[0].candidates[0].scores.score).toBeCloseTo(-1000 * Math.log(1.0001) * 1024, 4);
  });

  test("tab-separated lines, with and without a header", () => {
    const plain = readLists([file("a.tsv", "u-1\t1\t-4.06\tA B", "u-1\t2\t-5\t", "u-2\t1\t-1\tC")]);
    expect(plain.format).toBe("tsv");
    expect(texts(plain.lists)).toEqual([["A B", ""], ["C"]]);
    const named = readLists([file("b.tsv", "id\tac\tlm\ttext", "u-1\t-1\t-2\tA B")]);
    expect(named.lists[0].candidates[0]).toEqual({ text: "A B", scores: { ac: -1, lm: -2 } });
    expect(named.weights).toEqual({ ac: 1, lm: 1 });
  });

  test("JSON lines: a candidate a line or a list a line", () => {
    const candidates = readLists([
      file("a.jsonl", '{"id":"u","text":"a","score":-1}', '{"id":"u","text":"b","score":-2}'),
    ]);
    expect(candidates.lists).toEqual([
      {
        id: "u",
        candidates: [
          { text: "a", scores: { score: -1 } },
          { text: "b", scores: { score: -2 } },
        ],
      },
    ]);
    const lists = readLists([file("a", '{"id":7,"candidates":[{"text":"a","scores":{"x":1}}]}')]);
    expect([lists.format, lists.lists[0].id]).toEqual(["jsonl", "7"]);
  });

  test("a last line without its end, and lines that end as Windows has them", () => {
    const { lists } = readLists([{ name: "a.tsv", text: "u\t1\t-1\ta\r\nu\t2\t-2\tb" }]);
    expect(texts(lists)).toEqual([["a", "b"]]);
  });
});

describe("what was written is read again", () => {
  const candidate = (text: string, total: number) => ({
    text,
    scores: { score: -2 },
    total,
    logProbability: -7.5,
  });
  const lists: RankedList[] = [
    { id: "u-1", candidates: [candidate("a b", -1), candidate("", -2)] },
    { id: "u-2", candidates: [candidate("c", -1)] },
  ];

  test.each<FormatName>(["jsonl", "moses", "tsv", "kaldi", "srilm", "pocketsphinx"])("as %s", (format) => {
    const again = readLists(writeLists(lists, format), format).lists;
    expect(again.map(({ id }) => id)).toEqual(["u-1", "u-2"]);
    expect(texts(again)).toEqual([["a b", ""], ["c"]]);
  });

  test("with the model's log-probability as a score of its own", () => {
    const value = (format: FormatName, name: string) =>
      readLists(writeLists(lists, format)).lists[0].candidates[0].scores[name];
    expect(value("tsv", "logProbability")).toBe(-7.5);
    expect(value("jsonl", "logProbability")).toBe(-7.5);
    expect(value("moses", "logProbability")).toBe(-7.5);
    expect(value("kaldi", "lstm_cost")).toBe(-7.5);
    expect(value("srilm", "language")).toBeCloseTo(-7.5, 12);
  });
});

describe("a score that is too large once it is in natural logarithms is refused, in every format", () => {
  const timed = (g: string) => `(-330) the ( st: 0 et: 0.2 g: ${g} a: -100 )`;
  const cases: [string, string[], RegExp][] = [
    ["u.nbest", ["-10 -1e308 1 a"], /^u\.nbest:1: The language score is "-1e308", beyond 1e\+100/],
    ["u.nbest", ["-1e101 -2 1 a"], /^u\.nbest:1: The acoustic score is "-1e101", beyond/],
    ["u.nbest", ["NBestList1.0", "(-1e309) a"], /^u\.nbest:2: The score is "-1e309", beyond/],
    ["u.nbest", ["NBestList2.0", timed("1e200")], /^u\.nbest:2: A language score is "1e200", beyond/],
    ["a.nbest", ["0 ||| a ||| lm: -1e200 ||| 1"], /^a\.nbest:1: A value of lm is "-1e200", beyond/],
    ["a.tsv", ["u\t1\t1e999\ta"], /^a\.tsv:1: The score "score" is "1e999", beyond/],
    ["a.jsonl", ['{"id":"u","text":"a","score":1e200}'], /^a\.jsonl:1: The score "score" comes to 1e\+200/],
    ["u.hyp", ["a -1e200"], /^u\.hyp:1: The score is "-1e200", beyond/],
  ];
  test.each(cases)("%s %j", (name, own, message) => {
    expect(() => readLists([file(name, ...own)])).toThrow(message);
  });

  test("as the sum of the words of NBestList2.0, and as Kaldi's cost", () => {
    const word = (st: number) => `a ( st: ${st} et: ${st + 0.2} g: 9e100 a: -1 )`;
    const line = `(-330) ${Array.from({ length: 20 }, (_, i) => word(i)).join(" ")}`;
    expect(() => readLists([file("u.nbest", "NBestList2.0", line)])).toThrow(
      /^u\.nbest:2: A language score is "9e100", beyond/,
    );
    const small = line.replaceAll("9e100", "9e99");
    expect(() => readLists([file("u.nbest", "NBestList2.0", small)])).toThrow(
      /^u\.nbest:2: The score "language" comes to/,
    );
    expect(() => readLists([file("words", "u-1 a b"), file("lm_cost", "u-1 1e200")])).toThrow(
      /^lm_cost:1: The cost is "1e200", beyond/,
    );
  });
});

describe("what is malformed is refused by file and line", () => {
  test.each<[string, string[], RegExp]>([
    ["a.tsv", ["u\t1\t-1\ta", "u\t1\t-2\tb"], /^a\.tsv:2: Candidate 1 of "u" is there twice/],
    ["a.tsv", ["u\t1\t-1\ta", "v\t1\t-2\tb", "u\t2\t-1\tc"], /^a\.tsv:3: The list "u" is there twice/],
    ["a.tsv", ["u\t1\tx\ta"], /^a\.tsv:1: The score "score" is "x", not a number/],
    ["a.tsv", ["u\t1\tNaN\ta"], /^a\.tsv:1: The score "score" is "NaN"/],
    ["a.tsv", ["u\t1\ta"], /^a\.tsv:1: There are 3 columns and not 4/],
    ["a.tsv", ["\t1\t-1\ta"], /^a\.tsv:1: The id is empty/],
    ["a.tsv", ["id\tscore", "u\t1"], /^a\.tsv:1: No column is called "text"/],
    ["a.tsv", ["id\tx\tx\ttext", "u\t1\t2\ta"], /^a\.tsv:1: Two columns have one name/],
    ["a.tsv", ["id\tscore\ttext"], /holds no candidates/],
    ["a.jsonl", ['{"id":"u","text":"a"}', "{"], /^a\.jsonl:2: The line is not a JSON object/],
    ["a.jsonl", ['{ "text":"a"}'], /^a\.jsonl:1: "id" is missing/],
    ["a.jsonl", ['{ "id":"u"}'], /^a\.jsonl:1: "text" is missing/],
    ["a.jsonl", ['{ "id":"u","candidates":[]}'], /^a\.jsonl:1: "candidates" is empty/],
    ["a.jsonl", ['{ "id":"u","text":"a","score":null}'], /^a\.jsonl:1: The score "score" is not a number/],
    [
      "a.jsonl",
      ['{ "id":"u","text":"a","score":1}', '{"id":"u","text":"b"}'],
      /^a\.jsonl:2: The score "score" is missing/,
    ],
    [
      "a.jsonl",
      ['{ "id":"u","text":"a"}', '{"id":"u","text":"b","score":1}'],
      /^a\.jsonl:2: The score "score" is new/,
    ],
    ["m", ["0 ||| a ||| lm= -1 ||| x"], /^m:1: The total score is "x"/],
    ["m", ["0 ||| a ||| lm= -1 ||| -1", "1 ||| a ||| lm= -1"], /^m:2: There are fewer than four fields/],
    ["m", ["0 ||| a ||| -1 ||| -1"], /^m:1: The features begin with "-1"/],
    ["s", ["NBestList3.0", "(1) a"], /^s:1: The version 3\.0 is not known/],
    ["s", ["NBestList1.0", "a b"], /^s:2: The line has no \(score\)/],
    ["s", ["NBestList2.0", "(1) a b"], /^s:2: The words are not followed by/],
    ["s", ["NBestList1.0"], /holds no candidates/],
    ["u.hyp", ["a b"], /^u\.hyp:1: The score is "b"/],
    ["empty.tsv", [], /^empty\.tsv:1: The file is empty/],
    ["what", ["free text"], /^what:1: The format is not known: "free text"/],
  ])("%s: %j", (name, content, message) => {
    expect(() => readLists([file(name, ...content)])).toThrow(message);
    expect(() => readLists([file(name, ...content)])).toThrow(expect.objectContaining({ code: "E_FORMAT" }));
  });

  test("Kaldi's files that do not fit together", () => {
    const words = file("words", "u-1 a b", "u-2 c d");
    expect(() => readLists([words, file("ac", "u-1 1")])).toThrow(/^words:2: The id u-2 has no cost in ac/);
    expect(() => readLists([words, file("ac", "u-1 1", "u-2 1", "u-3 1")])).toThrow(
      /^ac:3: The id u-3 has no words/,
    );
    expect(() => readLists([words, file("ac", "u-1 1", "u-1 1")])).toThrow(
      /^ac:2: The id u-1 is there twice/,
    );
    expect(() => readLists([file("w", "u-1 a b", "u-1 c d")])).toThrow(/^w:2: The id u-1 is there twice/);
    expect(() => readLists([file("w", "u a b")], "kaldi")).toThrow(/^w:1: The id u has no number/);
    expect(() => readLists([file("ac", "u-1 1"), file("lm", "u-1 2")], "kaldi")).toThrow(/0 hold words/);
  });

  test("a format that there is not, and no files", () => {
    expect(() => readLists([file("a", "b")], "espnet" as FormatName)).toThrow(/format is "espnet"/);
    expect(() => readLists([])).toThrow(/There are no files/);
  });
});

describe("references", () => {
  test("have the id before the words, or after them in parentheses", () => {
    expect([...readReferences(file("r", "u-1 a  b", "u-2"))]).toEqual([
      ["u-1", "a b"],
      ["u-2", ""],
    ]);
    expect([...readReferences(file("r.trn", "a b (u-1)", "(u-2)"))]).toEqual([
      ["u-1", "a b"],
      ["u-2", ""],
    ]);
    expect(readReferences(file("r", "u-1 a (laughs)", "u-2 b")).get("u-1")).toBe("a (laughs)");
  });

  test("separators of lines and paragraphs within a line are blanks", () => {
    expect([...readReferences(file("r", "u-1 a\u2028b\rc", "u-2"))]).toEqual([
      ["u-1", "a b c"],
      ["u-2", ""],
    ]);
    expect([...readReferences(file("r", "a\u2029b (u-1)"))]).toEqual([["u-1", "a b"]]);
  });

  test("are refused where an id comes twice, and where there are none", () => {
    expect(() => readReferences(file("r", "u a", "v b", "u c"))).toThrow(/^r:3: The id "u" is there twice/);
    expect(() => readReferences(file("r", " "))).toThrow(/^r:1: There are no references/);
  });
});
