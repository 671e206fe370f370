/**
 * @module pocketsphinx's `-nbestdir`: a file an utterance, `words score` a line, in no order, texts several times.
 *
 * Scores are integers to the base 1.0001, shifted by 1024, and hold the language model already; `-hyp`'s are on another
 * scale. `(null)` stands for no words. The best hypothesis is not in the file: give it by another list.
 */
import type { ListFile, ListFormat } from "../lists.ts";
import { baseName, Gathering, linesOf, numberOf, words } from "./lines.ts";

/** ln(1.0001) × 1024: natural logarithms. */
const UNIT = 0.10239488;

export const pocketsphinx: ListFormat = {
  weights: { score: 1 },
  recognises: ({ name, text }) => /\.hyp$/.test(name) || /^[^\n|\t(]*\S -\d+\s*(?:\n|$)/.test(text),
  read(files) {
    const lists = new Gathering();
    for (const file of files)
      for (const line of linesOf(file)) {
        const [, text, score] =
          /^(.*?)\s*(\S+)\s*$/.exec(line.text) ??
          line.fail("The line has no score", "Give words and a score");
        const said = text === "(null)" ? "" : words(text);
        lists.add(line, baseName(file.name), {
          text: said,
          scores: { score: numberOf(line, "The score", score) * UNIT },
        });
      }
    return lists.lists(files).map(({ id, candidates }) => ({
      id,
      candidates: [...candidates].sort((a, b) => b.scores.score - a.scores.score),
    }));
  },
  write: (lists) =>
    lists.map(({ id, candidates }): ListFile => {
      const rows = candidates.map(
        ({ text, total }) => `${text === "" ? "(null)" : text} ${Math.round(total / UNIT)}`,
      );
      return { name: `${id}.hyp`, text: rows.map((row) => `${row}\n`).join("") };
    }),
};
