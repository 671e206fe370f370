/** Word and character errors beside sclite: its counts and its alignment, pair by pair. */
import { describe, expect, test } from "vitest";
import { characterErrors, type Errors, wordErrors } from "../../src/entries/metrics.ts";
import { philox } from "../../src/metrics/philox.ts";
import { hasSclite, sclite } from "./sclite.ts";

/** Draws from a list, by a seed. */
function drawing(seed: number) {
  let position = 0;
  return <T>(from: readonly T[]): T => from[philox([position++, 0, 0, 0], [seed, 0])[0] % from.length];
}

const upTo = (n: number) => Array.from({ length: n + 1 }, (_, i) => i);
type Pair = readonly [string, string];

/** Few words, so that many alignments cost the same. */
function pairsOf(seed: number, count: number, word: (draw: ReturnType<typeof drawing>) => string): Pair[] {
  const draw = drawing(seed);
  const plain = () => draw(["a", "b", "B", "c", "cat", "don't", "x-1"]);
  const several = (most: number, one: () => string) =>
    Array.from({ length: draw(upTo(most)) }, one).join(" ");
  return Array.from({ length: count }, () => [
    `${word(draw)} ${several(9, () => word(draw))}`.trim(),
    several(11, plain),
  ]);
}

const plainWord = (draw: ReturnType<typeof drawing>) => draw(["a", "b", "A", "c", "cat", "DON'T", "x-1"]);

function alternation(draw: ReturnType<typeof drawing>, optional: boolean): string {
  const word = () => (optional && draw(upTo(4)) === 0 ? `(${plainWord(draw)})` : plainWord(draw));
  if (draw(upTo(2)) > 0) return word();
  const alternative = () => (draw(upTo(3)) === 0 ? "@" : draw([word(), `${word()} ${word()}`]));
  return draw([
    "@",
    `{ ${[alternative, alternative, alternative]
      .slice(draw([0, 1]))
      .map((a) => a())
      .join(" / ")} }`,
  ]);
}

/** As sclite's report writes it. */
function pathOf({ alignment }: Errors): string {
  const quoted = (text: string | null, absent: string) => (text === null ? absent : `"${text}"`);
  return alignment
    .map(({ kind, reference, hypothesis }) => {
      const absent = kind === "correct" ? '""' : "";
      return `${kind[0].toUpperCase()},${quoted(reference, "")},${quoted(hypothesis, absent)}`;
    })
    .join(":");
}

function compare(pairs: readonly Pair[], flags: string[], errorsOf: (...pair: Pair) => Errors): void {
  const reported = sclite(pairs, flags);
  expect(reported).toHaveLength(pairs.length);
  const different = pairs.flatMap((pair, i) => {
    const errors = errorsOf(...pair);
    const { correct, substitutions, deletions, insertions } = errors;
    const ours = { correct, substitutions, deletions, insertions, path: pathOf(errors).toLowerCase() };
    const theirs = { ...reported[i], path: reported[i].path.toLowerCase() };
    return JSON.stringify(ours) === JSON.stringify(theirs) ? [] : [{ pair, ours, theirs }];
  });
  expect(different.slice(0, 3)).toEqual([]);
}

describe.skipIf(!hasSclite)(
  "sclite gives the same counts and the same alignment",
  { timeout: 120_000 },
  () => {
    test("of 10,000 random pairs", () => {
      compare(pairsOf(1, 10_000, plainWord), [], (r, h) => wordErrors(r, h));
    });

    test("with the case of letters", () => {
      compare(pairsOf(2, 2_000, plainWord), ["-s"], (r, h) => wordErrors(r, h, { caseSensitive: true }));
    });

    test("of alternations and null words in references", () => {
      const pairs = pairsOf(3, 4_000, (draw) => alternation(draw, false));
      compare(pairs, [], (r, h) => wordErrors(r, h, { alternations: true }));
    });

    test("of optional words, alone and in alternations", () => {
      const pairs = pairsOf(4, 4_000, (draw) => alternation(draw, true));
      compare(pairs, ["-D"], (r, h) => wordErrors(r, h, { alternations: true, optionalWords: true }));
    });

    test("of characters", () => {
      compare(pairsOf(5, 2_000, plainWord), ["-c"], (r, h) => characterErrors(r, h));
    });
  },
);
