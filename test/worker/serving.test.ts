/** What a worker keeps for its caller, and what is under way in it, without a worker. */
import { expect, test } from "vitest";
import { byteTokenizer, Corpus } from "../../src/entries/index.ts";
import { Jobs } from "../../src/worker/serving/jobs.ts";
import { Objects } from "../../src/worker/serving/objects.ts";
import { failure } from "../support/errors.ts";

test("a thing is found by its own number as what it is, until it is released", () => {
  const objects = new Objects();
  const tokenizer = byteTokenizer();
  const corpus = Corpus.fromTokens([1, 2, 3], tokenizer);
  const [first, second] = [objects.keepCorpus(corpus), objects.keepCorpus(corpus)];
  expect(second.handle).not.toBe(first.handle);
  expect(first).toMatchObject({ tokens: 3, bytes: 3 });
  const { handle, ...described } = objects.keepTokenizer(tokenizer);
  expect(described).toEqual({
    kind: "byte",
    vocabularySize: 256,
    unknown: tokenizer.unknown,
    endOfLine: 10,
    lossless: true,
  });
  expect(objects.tokenizer(handle)).toBe(tokenizer);
  objects.release(first.handle);
  expect(objects.corpus(second.handle)).toBe(corpus);
  for (const [find, number, option] of [
    [objects.corpus, first.handle, "corpus"],
    [objects.corpus, handle, "corpus"],
    [objects.model, second.handle, "model"],
    [objects.session, handle, "session"],
    [objects.tokenizer, 99, "tokenizer"],
  ] as const)
    expect(() => find(number)).toThrow(failure("E_OPTION", { option, value: number }));
});

test("work with one answer hears an abort of its own number alone, and is forgotten at its end", async () => {
  const jobs = new Jobs();
  const waiting = (job: number) =>
    jobs.heeding(
      job,
      (signal) => new Promise<string>((resolve) => (signal.onabort = () => resolve(`${job}`))),
    );
  const [one, two] = [waiting(1), waiting(2)];
  jobs.abort(2);
  expect(await two).toBe("2");
  jobs.abort(1);
  expect(await one).toBe("1");
  jobs.abort(1);
  await expect(jobs.heeding(3, () => Promise.reject(new Error("lost")))).rejects.toThrow("lost");
});

test("a run gives a value at a time, and is forgotten once it has ended, failed or was left", async () => {
  const jobs = new Jobs();
  const ended: number[] = [];
  async function* run(job: number, signal: AbortSignal) {
    try {
      yield `${job}a`;
      if (job === 2) throw new Error("the run failed");
      yield signal.aborted ? "aborted" : `${job}b`;
    } finally {
      ended.push(job);
    }
  }
  for (const job of [1, 2, 3]) jobs.begin(job, (signal) => run(job, signal));
  expect([await jobs.next(1), await jobs.next(1), await jobs.next(1)]).toEqual(["1a", "1b", undefined]);
  expect(await jobs.next(2)).toBe("2a");
  await expect(jobs.next(2)).rejects.toThrow("the run failed");
  expect(await jobs.next(3)).toBe("3a");
  await jobs.close(3, true);
  expect(ended.sort()).toEqual([1, 2, 3]);
  for (const job of [1, 2, 3, 4])
    await expect(jobs.next(job)).rejects.toThrow(failure("E_OPTION", { option: "job", value: job }));
});
