/** @module Lists of candidates in every format, and references. */
import fc from "fast-check";
import {
  type CandidateList,
  FORMAT_NAMES,
  type ListFile,
  readLists,
  readReferences,
  rescore,
  writeLists,
} from "../../src/entries/rescoring.ts";
import { type Boundary, must, refusedOrRead } from "./boundary.ts";
import { mutateText } from "./mutate.ts";
import type { Random } from "./random.ts";

const file = (name: string, ...lines: string[]): ListFile => ({ name, text: `${lines.join("\n")}\n` });
const SAMPLES: readonly (readonly ListFile[])[] = [
  [
    file("words.txt", "u-1 the whale", "u-2 a whale ", "v-1 ", "v-2 5"),
    file("ac_cost", "u-1 10.5", "u-2 11 ", "v-1 -3", "v-2 1e2"),
  ],
  [
    file(
      "m.nbest",
      "0 ||| the  house ||| lm: -3.5 tm: -1 -2 0 ||| -4.5",
      "0 ||| a ||| lm: -3 tm: -1 -1 0 ||| -5 ||| 0=0",
    ),
  ],
  [file("u-1.nbest", "-10 -2.5 2 <s> a -pau- b </s>", "-11 -2 0")],
  [file("n.tsv", "id\tac\tlm\ttext", "u-1\t-1\t-2\tA B", "u-1\t-2\t-1\ta", "v\t0\t0\tx")],
  [file("m.tsv", "u\t1\t-4.06\tA B", "u\t2\t-5\t", "v\t1\t-1\tC")],
  [
    file(
      "n.jsonl",
      '{"id":"u1","candidates":[{"text":"a b","scores":{"am":-1}},{"text":"c","scores":{"am":-2}}]}',
    ),
  ],
  [file("n.jsonl", '{"id":"u1","text":"a b","score":-1}', '{"id":"u1","text":"a","score":-2}')],
  [file("nbest/u-1.hyp", "b c -2000", "a -1000", "b c -2100", "(null) -3000")],
  [file("u-1.nbest", "NBestList1.0", "(-1000) a b", "(-2000)")],
];

/** Whatever was read can be weighed and tuned, and all that is said of it is a number. */
async function reordered(random: Random, read: readonly CandidateList[]): Promise<void> {
  const tune = random.once(2);
  const references = new Map(read.map(({ id, candidates }) => [id, random.pick(candidates).text]));
  const choice = random.pick(["best", "mbr"] as const);
  const found = await rescore(read, null, { choice, ...(tune && { tune, references }) });
  for (const { id, score, confidence, uncertainty } of found.lists)
    must(
      Number.isFinite(score) && confidence >= 0 && confidence <= 1 + 1e-9 && uncertainty >= 0,
      `${id}: ${score}, ${confidence}, ${uncertainty}`,
    );
  must(Object.values(found.weights).every(Number.isFinite), `weights ${JSON.stringify(found.weights)}`);
}

export const lists: Boundary = {
  name: "candidate lists",
  prepare: () => (random) => {
    const files = random
      .pick(SAMPLES)
      .map(({ name, text }) => ({ name, text: random.once(5) ? text : mutateText(random, text) }));
    const format = random.once(2) ? "auto" : random.pick(FORMAT_NAMES);
    refusedOrRead(() => readReferences(files[0]));
    let found: ReturnType<typeof readLists> | undefined;
    refusedOrRead(() => {
      found = readLists(files, format);
    });
    if (!found) return;
    const read = found;
    for (const { candidates } of read.lists)
      for (const { scores } of candidates)
        for (const name in scores) must(Number.isFinite(scores[name]), `score ${name} is ${scores[name]}`);
    const ranked = read.lists.map(({ id, candidates }) => ({
      id,
      candidates: candidates.map((candidate) => ({ ...candidate, total: 0, logProbability: null })),
    }));
    refusedOrRead(() => readLists(writeLists(ranked, read.format), read.format));
    if (random.once(16)) return reordered(random, read.lists);
  },
  property: fc.property(
    fc.string({ maxLength: 80 }),
    fc.constantFrom("auto" as const, ...FORMAT_NAMES),
    (text, format) => {
      refusedOrRead(() => readLists([{ name: "lists", text }], format));
    },
  ) as fc.IRawProperty<unknown>,
};
