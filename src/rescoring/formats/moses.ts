/**
 * @module Moses: `id ||| text ||| LM= -12.3 TM= -1 -2 ||| total`, and after it a segmentation and an alignment, or one
 * of them. Features are split at their name and numbered where they have several values; old files write `lm: -12.3`.
 */
import type { ListFormat, RankedCandidate } from "../lists.ts";
import { Gathering, type Line, linesOf, numberOf, words } from "./lines.ts";

export const moses: ListFormat = {
  weights: { total: 1 },
  recognises: ({ text }) => /^[^\n]*\|\|\|[^\n]*\|\|\|/.test(text),
  read(files) {
    const lists = new Gathering();
    for (const file of files)
      for (const line of linesOf(file)) {
        const [id, text, features, total, ...rest] = line.text.split("|||").map((field) => field.trim());
        if (total === undefined)
          line.fail("There are fewer than four fields", "Give id ||| text ||| features ||| total");
        const scores = { ...featuresOf(line, features), total: numberOf(line, "The total score", total) };
        lists.add(line, id, { text: words(text), scores, rest });
      }
    return lists.lists(files);
  },
  write(lists) {
    const rows = lists.flatMap(({ id, candidates }) => candidates.map((each) => row(id, each)));
    return [{ name: "candidates.nbest", text: rows.map((each) => `${each}\n`).join("") }];
  },
};

/** The value's name, and its number where a name has several. */
function featuresOf(line: Line, field: string): Record<string, number> {
  const groups: { name: string; values: number[] }[] = [];
  for (const token of field.split(/\s+/).filter((token) => token !== "")) {
    const name = /^(.+?)[=:]$/.exec(token)?.[1];
    if (name !== undefined) groups.push({ name, values: [] });
    else if (groups.length === 0) line.fail(`The features begin with ${JSON.stringify(token)}`, "Name them");
    else
      groups[groups.length - 1].values.push(
        numberOf(line, `A value of ${groups[groups.length - 1].name}`, token),
      );
  }
  return Object.fromEntries(
    groups.flatMap(({ name, values }) =>
      values.map((value, i) => [values.length > 1 ? `${name}.${i}` : name, value] as const),
    ),
  );
}

function row(id: string, { text, scores, total, logProbability, rest = [] }: RankedCandidate): string {
  const { total: _, ...features } = scores;
  const named = new Map<string, number[]>();
  for (const [key, value] of Object.entries({
    ...features,
    ...(logProbability !== null && { logProbability }),
  })) {
    const name = key.replace(/\.\d+$/, "");
    named.set(name, [...(named.get(name) ?? []), value]);
  }
  const written = [...named].map(([name, values]) => `${name}= ${values.join(" ")}`).join(" ");
  return [id, text, written, String(total), ...rest].join(" ||| ");
}
