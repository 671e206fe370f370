import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { type ByteSource, byteTokenizer, Corpus, wordTokenizer } from "../../src/text/index.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const LINE = "the whale — the white whale — swam on\n";
const line = new TextEncoder().encode(LINE);
const SIZE = 30 * 2 ** 20;

/** Never holds more than what is asked for. */
const endless: ByteSource = {
  size: SIZE - (SIZE % line.length),
  async read(start, end) {
    const bytes = new Uint8Array(end - start);
    for (let i = 0; i < bytes.length; i++) bytes[i] = line[(start + i) % line.length];
    return bytes;
  },
};

/** Bytes in use, on the heap and in buffers. */
async function memory(): Promise<number> {
  for (let i = 0; i < 2; i++) {
    collectGarbage();
    // Buffers are freed by a task of their own.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

it.each([
  ["byte", byteTokenizer()],
  ["word", wordTokenizer({ words: ["the", "whale", "—"] })],
])(
  "a text of 30 MB is read as %s tokens in 32 lanes in bounded memory",
  async (_, tokenizer) => {
    const period = tokenizer.encode(LINE);
    const before = await memory();
    const corpus = await Corpus.open(endless, { tokenizer, cacheTokens: 2 ** 20 });
    expect(corpus.bytes).toBe(endless.size);
    expect(corpus.tokens).toBe((endless.size / line.length) * period.length);
    expect((await memory()) - before).toBeLessThan(8 * 2 ** 20);

    const [batch, sequence] = [32, 64];
    const lanes = corpus.lanes({ batch, sequence });
    const [inputs, targets] = [new Int32Array(batch * sequence), new Int32Array(batch * sequence)];
    const lane = Math.floor((corpus.tokens - 1) / batch);
    for (const window of [0, lanes.windows >> 1, lanes.windows - 20]) {
      await lanes.seek(window);
      for (let w = window; w < window + 20; w++) {
        expect(await lanes.next(inputs, targets)).toBe(sequence);
        for (const b of [0, 13, 31])
          for (const t of [0, 63]) {
            const at = b * lane + w * sequence + t;
            expect(inputs[t * batch + b]).toBe(period[at % period.length]);
            expect(targets[t * batch + b]).toBe(period[(at + 1) % period.length]);
          }
      }
      expect((await memory()) - before).toBeLessThan(24 * 2 ** 20);
    }
    expect(await lanes.next(inputs, targets)).toBe(0);
  },
  60_000,
);
