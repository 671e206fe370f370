/**
 * @module The cheapest way from a reference to a hypothesis by sclite's costs, with its choice between equal ones.
 *
 * Insertions and deletions cost 3, substitutions 4, an optional word that is absent 2, the null word 0.001, added in
 * float32; a substitution goes before a deletion or insertion of the same cost, an insertion before a deletion.
 */
import type { Arc, WordNetwork } from "./notation.ts";

export interface AlignedWord {
  readonly kind: "correct" | "substitution" | "insertion" | "deletion";
  /** Null for an insertion. */
  readonly reference: string | null;
  /** Null for a deletion, and for an optional word that is absent, which is correct. */
  readonly hypothesis: string | null;
}

/** Words side by side, in their order. */
export function align(reference: WordNetwork, hypothesis: WordNetwork): AlignedWord[] {
  const table = fill(reference, hypothesis);
  const path: AlignedWord[] = [];
  const { arcs } = reference;
  let a = cheapest(reference.last, (end) => table.cost[end * table.width + table.width - 1]);
  let b = table.width - 1;
  while (a > 0 || b > 0) {
    const cell = a * table.width + b;
    const [fromA, fromB] = [table.backA[cell], table.backB[cell]];
    const word = fromA === a ? null : arcs[a];
    const heard = fromB === b ? null : hypothesis.arcs[b];
    if (word?.kind !== "null") path.push(aligned(word, heard));
    [a, b] = [fromA, fromB];
  }
  return path.reverse();
}

function aligned(word: Arc | null, heard: Arc | null): AlignedWord {
  const reference = word?.text ?? null;
  const hypothesis = heard?.text ?? null;
  if (!word) return { kind: "insertion", reference, hypothesis };
  if (!heard) return { kind: word.kind === "optional" ? "correct" : "deletion", reference, hypothesis };
  return { kind: word.key === heard.key ? "correct" : "substitution", reference, hypothesis };
}

interface Table {
  /** Hypothesis words and the beginning. */
  readonly width: number;
  readonly cost: Float32Array;
  readonly backA: Int32Array;
  readonly backB: Int32Array;
}

const DELETION = { word: 3, optional: 2, null: Math.fround(0.001) } as const;

function fill(reference: WordNetwork, hypothesis: WordNetwork): Table {
  const width = hypothesis.arcs.length;
  const cells = reference.arcs.length * width;
  const cost = new Float32Array(cells);
  const backA = new Int32Array(cells);
  const backB = new Int32Array(cells);
  for (let b = 1; b < width; b++) {
    cost[b] = cost[b - 1] + 3;
    backB[b] = b - 1;
  }
  for (let a = 1; a < reference.arcs.length; a++) {
    const arc = reference.arcs[a]!;
    for (let b = 0; b < width; b++) {
      const cell = a * width + b;
      const above = cheapest(arc.before, (p) => cost[p * width + b]);
      const deletion = Math.fround(cost[above * width + b] + DELETION[arc.kind]);
      if (b === 0) {
        cost[cell] = deletion;
        backA[cell] = above;
        continue;
      }
      const before = cheapest(arc.before, (p) => cost[p * width + b - 1]);
      const same = arc.kind !== "null" && arc.key === hypothesis.arcs[b]!.key;
      const substitution = Math.fround(cost[before * width + b - 1] + (same ? 0 : 4));
      const insertion = Math.fround(cost[cell - 1] + 3);
      if (substitution <= deletion && substitution <= insertion) {
        cost[cell] = substitution;
        backA[cell] = before;
        backB[cell] = b - 1;
      } else if (deletion < insertion) {
        cost[cell] = deletion;
        backA[cell] = above;
        backB[cell] = b;
      } else {
        cost[cell] = insertion;
        backA[cell] = a;
        backB[cell] = b - 1;
      }
    }
  }
  return { width, cost, backA, backB };
}

/** The first of the cheapest. */
function cheapest(from: readonly number[], costOf: (arc: number) => number): number {
  let best = from[0];
  for (let i = 1; i < from.length; i++) if (costOf(from[i]) < costOf(best)) best = from[i];
  return best;
}
