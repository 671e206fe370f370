/**
 * @module Kaldi's `nbest-to-linear`: a file of words, `utterance-1 word word`, and files of costs, `utterance-1 12.3`.
 * Costs are natural logarithms with the sign turned, unscaled; each file's name is the name of its score.
 */
import { SviError } from "../../errors.ts";
import type { Candidate, CandidateList, ListFile, ListFormat } from "../lists.ts";
import { baseName, type Line, linesOf, numberOf, requireLists, words } from "./lines.ts";

/** Acoustic costs weigh a tenth of the graph's, as with Kaldi's usual scale. */
const WEIGHTS = {
  graph: 1,
  lm: 1,
  lm_cost: 1,
  graph_cost: 1,
  acoustic: 0.1,
  ac: 0.1,
  ac_cost: 0.1,
  acoustic_cost: 0.1,
};

export const kaldi: ListFormat = {
  weights: WEIGHTS,
  recognises: (file) => isCosts(file) || /^\S+-\d+(?: [^\n|\t]*)?(?:\n|$)/.test(file.text),
  read(files) {
    const costs = files.filter(isCosts);
    const texts = files.filter((file) => !isCosts(file));
    if (texts.length !== 1)
      throw new SviError("E_FORMAT", `Of Kaldi's files ${texts.length} hold words`, {
        value: files.map(({ name }) => name),
        remedy: "Give one file of words and files of costs, as nbest-to-linear writes them",
      });
    const entries = new Map(linesOf(texts[0]).map((line) => [keyOf(line), line]));
    if (entries.size < linesOf(texts[0]).length) failTwice(texts[0]);
    const scores = costs.map((file) => ({ name: baseName(file.name), values: costsOf(file, entries) }));
    const lists = new Map<string, { rank: number; candidate: Candidate }[]>();
    for (const [key, line] of entries) {
      const [, id, rank] =
        /^(.+)-(\d+)$/.exec(key) ?? line.fail(`The id ${key} has no number`, "Give id-1, id-2, …");
      const own = Object.fromEntries(scores.map(({ name, values }) => [name, -values.get(key)!]));
      const candidate = { text: words(line.text.trim().slice(key.length)), scores: own };
      lists.set(id, [...(lists.get(id) ?? []), { rank: Number(rank), candidate }]);
    }
    requireLists(files, lists.size);
    return [...lists].map(
      ([id, own]): CandidateList => ({
        id,
        candidates: own.sort((a, b) => a.rank - b.rank).map(({ candidate }) => candidate),
      }),
    );
  },
  write(lists) {
    const all = lists.flatMap(({ id, candidates }) =>
      candidates.map((candidate, i) => ({ key: `${id}-${i + 1}`, candidate })),
    );
    const file = (name: string, cell: (candidate: (typeof all)[0]["candidate"]) => string): ListFile => ({
      name,
      text: all.map(({ key, candidate }) => `${key} ${cell(candidate)}\n`).join(""),
    });
    const own = Object.keys(all[0].candidate.scores).map((name) =>
      file(name, ({ scores }) => String(-scores[name])),
    );
    const model =
      all[0].candidate.logProbability === null ? [] : [file("lstm_cost", (c) => String(-c.logProbability!))];
    return [file("words", ({ text }) => text), ...own, ...model];
  },
};

/** An id and one number on every line. A file of numbers that somebody said is not one of words. */
function isCosts({ text }: ListFile): boolean {
  const first = text
    .slice(0, 10_000)
    .split("\n")
    .filter((line) => line.trim() !== "");
  if (first.length > 1 && text.length > 10_000) first.pop();
  return first.length > 0 && first.every((line) => /^\S+ +[-+]?(?:\d|\.\d)[\d.eE+-]*\s*$/.test(line));
}

const keyOf = ({ text }: Line) => text.trim().split(/\s+/, 1)[0];

function failTwice(file: ListFile): never {
  const seen = new Set<string>();
  for (const line of linesOf(file)) {
    if (seen.has(keyOf(line))) line.fail(`The id ${keyOf(line)} is there twice`, "Give every candidate once");
    seen.add(keyOf(line));
  }
  throw new Error("no id is there twice");
}

function costsOf(file: ListFile, entries: ReadonlyMap<string, Line>): Map<string, number> {
  const values = new Map<string, number>();
  for (const line of linesOf(file)) {
    const key = keyOf(line);
    if (!entries.has(key))
      line.fail(`The id ${key} has no words`, "Give costs of the candidates that have words");
    if (values.has(key)) line.fail(`The id ${key} is there twice`, "Give every cost once");
    values.set(key, numberOf(line, "The cost", line.text.trim().split(/\s+/)[1]));
  }
  for (const [key, line] of entries)
    if (!values.has(key))
      line.fail(`The id ${key} has no cost in ${file.name}`, "Give a cost for every candidate");
  return values;
}
