import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  byteTokenizer,
  Corpus,
  characterTokenizer,
  type LaneReader,
  type StreamOptions,
  wordTokenizer,
} from "../../src/text/index.ts";
import { errorOf } from "../support/errors.ts";
import { minibatches, text } from "./support.ts";

const bytes = byteTokenizer();

/** A stream of the pieces, and whether it was closed. */
function streamOf(...pieces: (string | Uint8Array)[]) {
  const stream = {
    closed: false,
    async *[Symbol.asyncIterator]() {
      try {
        yield* pieces;
      } finally {
        stream.closed = true;
      }
    },
  };
  return stream;
}

const open = (x: string | ReturnType<typeof streamOf>, options: Partial<StreamOptions>) =>
  Corpus.fromStream(typeof x === "string" ? streamOf(x) : x, {
    tokenizer: bytes,
    lanes: "interleaved",
    tokens: 10,
    ...options,
  });

const next = (lanes: LaneReader) => {
  const size = lanes.batch * lanes.sequence;
  return lanes.next(new Int32Array(size), new Int32Array(size));
};

describe("a buffered stream", () => {
  it("is the corpus of its text, wherever it is cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        text,
        fc.array(fc.nat(), { maxLength: 6 }),
        fc.boolean(),
        fc.constantFrom("keep" as const, "lf" as const),
        fc.constantFrom(
          bytes,
          characterTokenizer({ characters: "ab\n😀é" }),
          wordTokenizer({ words: ["a", "the"] }),
        ),
        async (x, cuts, asBytes, lineEnds, tokenizer) => {
          const whole = asBytes ? new TextEncoder().encode(x) : x;
          const places = [0, ...cuts.map((cut) => cut % (whole.length + 1)), whole.length].sort(
            (a, b) => a - b,
          );
          const pieces = places.slice(1).map((place, i) => whole.slice(places[i], place));
          const normal = lineEnds === "lf" ? x.replace(/\r\n?/g, "\n") : x;
          const tokens = tokenizer.encode(normal).length;
          fc.pre(tokens > 0);
          const options = {
            tokenizer,
            tokens,
            lineEnds,
            lanes: "contiguous-buffered",
            blockBytes: 8,
          } as const;
          const stream = streamOf(...pieces);
          const buffered = await Corpus.fromStream(stream, options);
          const opened = await Corpus.open(x, { tokenizer, lineEnds });
          expect(await buffered.fingerprint()).toBe(await opened.fingerprint());
          expect(buffered.bytes).toBe(opened.bytes);
          expect(stream.closed).toBe(true);
        },
      ),
    );
  });

  it("has to fit into the memory it is given", async () => {
    const options = { lanes: "contiguous-buffered", cacheTokens: 9 } as const;
    expect(await errorOf(() => open("0123456789", options))).toMatchObject({ code: "E_OPTION", value: 10 });
  });

  it.each([
    [9, "E_TEXT_CHANGED"],
    [11, "E_TEXT_SHORT"],
  ])("of 10 tokens, said to be %i, throws %s", async (tokens, code) => {
    const opening = open("0123456789", { lanes: "contiguous-buffered", tokens });
    expect(await errorOf(() => opening)).toMatchObject({ code });
  });
});

describe("an interleaved stream", () => {
  it("deals windows to the lanes in turn", async () => {
    const corpus = await open("0123456789", {});
    const lanes = corpus.lanes({ batch: 2, sequence: 2 });
    expect([lanes.windows, lanes.contiguous]).toEqual([2, false]);
    const all = await minibatches(lanes);
    expect(all.map(({ inputs }) => bytes.decode(inputs))).toEqual(["0213", "4657"]);
    expect(all.map(({ targets }) => bytes.decode(targets))).toEqual(["1324", "5768"]);
    expect(corpus.bytes).toBe(10);
    const same = await Corpus.open("0123456789", { tokenizer: bytes });
    expect(await corpus.fingerprint()).toBe(await same.fingerprint());
  });

  it("with one lane is what a corpus gives", async () => {
    for (const partial of [false, true]) {
      const streamed = (await open("0123456789", {})).lanes({ batch: 1, sequence: 4, partial });
      const corpus = await Corpus.open("0123456789", { tokenizer: bytes });
      expect(streamed.contiguous).toBe(true);
      expect(await minibatches(streamed)).toEqual(
        await minibatches(corpus.lanes({ batch: 1, sequence: 4, partial })),
      );
    }
  });

  it("can be continued at any later window", async () => {
    const x = "abcdefghijklmnopqrstuvwxyz";
    const all = await minibatches((await open(x, { tokens: 26 })).lanes({ batch: 2, sequence: 3 }));
    for (let before = 0; before <= 2; before++)
      for (let window = before; window <= 4; window++) {
        const lanes = (await open(x, { tokens: 26 })).lanes({ batch: 2, sequence: 3 });
        for (let i = 0; i < before; i++) await next(lanes);
        await lanes.seek(window);
        expect(await minibatches(lanes)).toEqual(all.slice(window));
      }
  });

  it("cannot be read twice, sliced or fingerprinted before its end", async () => {
    const corpus = await open("0123456789", {});
    expect(await errorOf(() => corpus.fingerprint())).toMatchObject({ code: "E_OPTION" });
    const lanes = corpus.lanes({ batch: 1, sequence: 3 });
    await next(lanes);
    const error = await errorOf(() => lanes.seek(0));
    expect(error).toMatchObject({ code: "E_OPTION" });
    expect(error.message).toContain("read once");
    expect(await next(lanes)).toBe(3);
    expect(await errorOf(() => corpus.lanes({ batch: 1, sequence: 3 }))).toMatchObject({ code: "E_OPTION" });
    expect(await errorOf(() => corpus.slice(0, 5))).toMatchObject({ code: "E_OPTION" });
    expect(await errorOf(() => corpus.split([0.5]))).toMatchObject({ code: "E_OPTION" });
  });

  it("says where the number of tokens was wrong, and says it again and again", async () => {
    const short = (await open("012345678", {})).lanes({ batch: 1, sequence: 4 });
    expect(await next(short)).toBe(4);
    expect(await next(short)).toBe(4);
    expect(await errorOf(() => next(short))).toMatchObject({
      code: "E_TEXT_SHORT",
      value: { needed: 10, available: 9 },
    });
    expect(await errorOf(() => next(short))).toMatchObject({ code: "E_TEXT_SHORT" });
    const long = (await open("0123456789a", {})).lanes({ batch: 1, sequence: 4 });
    expect([await next(long), await next(long)]).toEqual([4, 4]);
    expect(await errorOf(() => next(long))).toMatchObject({ code: "E_TEXT_CHANGED" });
  });

  it("does not continue behind a gap", async () => {
    const tokenizer = characterTokenizer({ characters: "ab", unknown: false });
    const stream = await open("aaaaaaaa?aaaaaaabbbbbbbbbb", { tokenizer, tokens: 26, blockBytes: 8 });
    const lanes = stream.lanes({ batch: 1, sequence: 6 });
    expect(await next(lanes)).toBe(6);
    for (let i = 0; i < 2; i++)
      expect(await errorOf(() => next(lanes))).toMatchObject({ code: "E_UNKNOWN_SYMBOL" });
  });

  it("is closed with its lanes, and can be a ReadableStream without an iterator", async () => {
    const stream = streamOf("01234", "56789");
    const lanes = (await open(stream, { blockBytes: 8 })).lanes({ batch: 1, sequence: 2 });
    await next(lanes);
    await lanes.close();
    expect(stream.closed).toBe(true);

    const body = new Response("0123456789").body!;
    Object.defineProperty(body, Symbol.asyncIterator, { value: undefined });
    const bare = { getReader: () => body.getReader() } as ReadableStream<Uint8Array>;
    const corpus = await Corpus.fromStream(bare, {
      tokenizer: bytes,
      tokens: 10,
      lanes: "contiguous-buffered",
    });
    expect(corpus.tokens).toBe(10);
  });

  it.each([
    [{ tokenizer: "byte" }, "E_OPTION"],
    [{ lanes: "contiguous" }, "E_OPTION"],
    [{ tokens: 0 }, "E_OPTION"],
    [{ tokens: undefined }, "E_OPTION"],
    [{ lineEnds: "crlf" }, "E_OPTION"],
  ])("refuses %j", async (options, code) => {
    expect(await errorOf(() => open("0123456789", options as never))).toMatchObject({ code });
  });

  it("refuses lanes that it cannot give", async () => {
    const corpus = await open("0123456789", {});
    expect(await errorOf(() => corpus.lanes({ batch: 2, sequence: 5 }))).toMatchObject({
      code: "E_TEXT_SHORT",
    });
    const partial = await errorOf(() => corpus.lanes({ batch: 2, sequence: 4, partial: true }));
    expect(partial).toMatchObject({ code: "E_OPTION" });
    expect(corpus.lanes({ batch: 2, sequence: 4 }).windows).toBe(1);
  });

  it("stops when it is told to, and refuses pieces that are not text", async () => {
    const controller = new AbortController();
    const lanes = (await open("0123456789", { signal: controller.signal })).lanes({ batch: 1, sequence: 2 });
    const reason = new Error("enough");
    controller.abort(reason);
    expect(await errorOf(() => next(lanes))).toBe(reason);
    const odd = (await open(streamOf(5 as never), {})).lanes({ batch: 1, sequence: 2 });
    expect(await errorOf(() => next(odd))).toMatchObject({ code: "E_OPTION", value: 5 });
  });
});
