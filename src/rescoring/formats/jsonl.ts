/**
 * @module JSON lines: a candidate a line, `{"id", "text", "scores": {name: number}}`, or a list a line,
 * `{"id", "candidates": [{"text", "scores"}]}`; `"score": number` is a score of that name.
 */
import type { Candidate, ListFormat } from "../lists.ts";
import { Gathering, type Line, linesOf, words } from "./lines.ts";

export const jsonl: ListFormat = {
  weights: { score: 1 },
  recognises: ({ text }) => /^\s*\{\s*"/.test(text),
  read(files) {
    const lists = new Gathering();
    for (const file of files)
      for (const line of linesOf(file)) {
        const given = parse(line);
        const id = given.id;
        if (typeof id !== "string" && typeof id !== "number")
          line.fail('"id" is missing', "Give a text or a number");
        if (!("candidates" in given)) {
          lists.add(line, String(id), candidateOf(line, given));
          continue;
        }
        if (!Array.isArray(given.candidates) || given.candidates.length === 0)
          line.fail('"candidates" is empty', "Give at least one candidate");
        for (const each of given.candidates as unknown[])
          lists.add(line, String(id), candidateOf(line, each));
      }
    return lists.lists(files);
  },
  write(lists) {
    const rows = lists.flatMap(({ id, candidates }) =>
      candidates.map(({ text, scores, total, logProbability }) =>
        JSON.stringify({
          id,
          text,
          scores: logProbability === null ? scores : { ...scores, logProbability },
          total,
        }),
      ),
    );
    return [{ name: "candidates.jsonl", text: rows.map((row) => `${row}\n`).join("") }];
  },
};

function parse(line: Line): Record<string, unknown> {
  try {
    const value = JSON.parse(line.text);
    if (isRecord(value)) return value;
  } catch {
    // Said below.
  }
  return line.fail("The line is not a JSON object", "Give one object a line");
}

function candidateOf(line: Line, given: unknown): Candidate {
  if (!isRecord(given) || typeof given.text !== "string")
    return line.fail('"text" is missing', 'Give every candidate a "text"');
  const own = given.scores ?? {};
  if (!isRecord(own)) return line.fail('"scores" is not an object', "Give scores by name");
  const scores = { ...own, ...("score" in given && { score: given.score }) };
  for (const [name, score] of Object.entries(scores))
    if (typeof score !== "number" || !Number.isFinite(score))
      line.fail(`The score ${JSON.stringify(name)} is not a number`, "Give numbers");
  return { text: words(given.text), scores: scores as Record<string, number> };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
