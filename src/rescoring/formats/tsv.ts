/**
 * @module Tab-separated lines: id, rank, score, text; or, after a header that begins with "id", columns as it names
 * them, of which "text" is the text, "rank" the rank, and all others are scores.
 */
import type { ListFile, ListFormat } from "../lists.ts";
import { Gathering, type Line, linesOf, numberOf, words } from "./lines.ts";

const PLAIN = ["id", "rank", "score", "text"];

export const tsv: ListFormat = {
  weights: { score: 1 },
  recognises: ({ name, text }) => /\.tsv$/.test(name) || /^[^\t\n]+\t[^\t\n]*\t/.test(text),
  read(files) {
    const lists = new Gathering();
    for (const file of files) {
      const lines = linesOf(file);
      const header = lines[0]?.text.startsWith("id\t") ? lines[0].text.split("\t") : undefined;
      if (header && !header.includes("text")) lines[0].fail('No column is called "text"', "Name the columns");
      if (header && new Set(header).size < header.length)
        lines[0].fail("Two columns have one name", "Name every column differently");
      for (const line of header ? lines.slice(1) : lines) readLine(lists, line, header ?? PLAIN);
    }
    return lists.lists(files);
  },
  write(lists) {
    const names = Object.keys(lists[0].candidates[0].scores);
    const model = lists[0].candidates[0].logProbability === null ? [] : ["logProbability"];
    const rows = [["id", "rank", ...names, ...model, "total", "text"]];
    for (const { id, candidates } of lists)
      for (const [i, { text, scores, total, logProbability }] of candidates.entries())
        rows.push([
          id,
          String(i + 1),
          ...names.map((name) => String(scores[name])),
          ...model.map(() => String(logProbability)),
          String(total),
          text,
        ]);
    const text = rows.map((row) => `${row.join("\t")}\n`).join("");
    return [{ name: "candidates.tsv", text }] satisfies ListFile[];
  },
};

function readLine(lists: Gathering, line: Line, columns: readonly string[]): void {
  const cells = line.text.split("\t");
  if (cells.length !== columns.length)
    line.fail(`There are ${cells.length} columns and not ${columns.length}`, `Give ${columns.join(", ")}`);
  const scores: Record<string, number> = {};
  let [id, text, rank]: (string | undefined)[] = ["", ""];
  for (const [c, name] of columns.entries())
    if (name === "id") id = cells[c].trim();
    else if (name === "text") text = words(cells[c]);
    else if (name === "rank") rank = cells[c].trim();
    else scores[name] = numberOf(line, `The score ${JSON.stringify(name)}`, cells[c]);
  lists.add(line, id!, { text: text!, scores }, rank);
}
