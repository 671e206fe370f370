import fc from "fast-check";
import type { ByteSource, Corpus, LaneReader } from "../../src/text/index.ts";

/** Texts rich in what goes wrong at boundaries: long sequences, surrogate pairs, all line ends, whitespace. */
export const text: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "a",
        "b",
        "é",
        "€",
        "😀",
        "\n",
        "\r\n",
        "\r",
        " ",
        "\t",
        "\uFEFF",
        "\u2028",
        "the ",
        "<unk>",
      ),
      fc.string({ unit: "binary", maxLength: 3 }),
    ),
    { maxLength: 80 },
  )
  .map((parts) => parts.join("").replace(/\p{Surrogate}/gu, "?"));

export interface Minibatch {
  steps: number;
  inputs: number[];
  targets: number[];
}

/** Reads on to the end of the epoch. */
export async function minibatches(lanes: LaneReader): Promise<Minibatch[]> {
  const size = lanes.batch * lanes.sequence;
  const inputs = new Int32Array(size);
  const targets = new Int32Array(size);
  const read: Minibatch[] = [];
  for (;;) {
    const steps = await lanes.next(inputs, targets);
    if (steps === 0) return read;
    const filled = steps * lanes.batch;
    read.push({ steps, inputs: [...inputs.subarray(0, filled)], targets: [...targets.subarray(0, filled)] });
  }
}

/** All tokens of a corpus, by way of its lanes. */
export async function tokensOf(corpus: Corpus): Promise<number[]> {
  const lanes = corpus.lanes({ batch: 1, sequence: 64, partial: true });
  const all = await minibatches(lanes);
  return [all[0].inputs[0], ...all.flatMap(({ targets }) => targets)];
}

/** A byte source that hides that it is in memory. */
export function sourceOf(text: string | Uint8Array): ByteSource & { bytes: Uint8Array; reads: number } {
  const source = {
    bytes: typeof text === "string" ? new TextEncoder().encode(text) : text,
    reads: 0,
    get size() {
      return source.bytes.length;
    },
    async read(start: number, end: number) {
      source.reads++;
      return source.bytes.slice(start, end);
    },
  };
  return source;
}
