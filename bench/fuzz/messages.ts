/** @module Messages to a worker: calls that its caller would not make, and calls in an order that it would not. */
import fc from "fast-check";
import { jsonTokenizer } from "../../src/entries/tokenizers.ts";
import { SviError } from "../../src/errors.ts";
import { type Channel, type Endpoint, openChannel } from "../../src/worker/channel.ts";
import type { CallerFunctions, ThreadFunctions } from "../../src/worker/protocol.ts";
import { serveAt } from "../../src/worker/server.ts";
import { fromWire } from "../../src/worker/wire.ts";
import { type Boundary, must } from "./boundary.ts";
import { type Json, mutateJson, someText } from "./mutate.ts";
import type { Random } from "./random.ts";

type Name = keyof ThreadFunctions;

/** Both ends in one thread: what one posts the other hears, cloned, in a turn of its own. */
function ends(): [Endpoint, Endpoint] {
  const heard: ((message: unknown) => void)[] = [];
  const end = (own: number): Endpoint => ({
    post(message, transfer) {
      const copy = structuredClone(message, { transfer: transfer as ArrayBuffer[] });
      queueMicrotask(() => heard[1 - own]?.(copy));
    },
    listen: (listener) => {
      heard[own] = listener;
    },
  });
  return [end(0), end(1)];
}

function served(): { channel: Channel<ThreadFunctions>; raw: Endpoint } {
  const [own, its] = ends();
  const callback = (_: number, ...args: unknown[]) => (args.length === 2 ? new Uint8Array(3) : null);
  const channel = openChannel<ThreadFunctions>(own, { callback, ready() {} } satisfies CallerFunctions);
  serveAt(its, { json: jsonTokenizer });
  return { channel, raw: own };
}

const MODEL = { tokenizer: "byte", embedding: 4, hidden: 4 };
/** Calls that are right where the handles are; a handle is 1 to 6, a job 7 to 9. */
const CALLS: readonly (readonly [Name, ...Json[]])[] = [
  ["hello", {}],
  ["openCorpus", 7, ["the whale and the sea"], { tokenizer: "byte" }],
  ["openCorpus", 7, ["the whale and the sea"], { tokenizer: "word" }],
  ["corpusOfTokens", [1, 2, 3, 4, 5, 6], "byte"],
  ["sliceCorpus", 1, 2, 5],
  ["splitCorpus", 1, [0.5, 0.5]],
  ["fingerprint", 1],
  ["learnTokenizer", 7, ["the whale"], { kind: "word" }],
  ["encode", 2, "whale"],
  ["decode", 2, [104, 105]],
  ["continueText", 2, [104], [105]],
  ["describe", 2],
  ["createModel", MODEL],
  ["createModel", { ...MODEL, tokenizer: { kind: "word", words: ["a", "b"] } }],
  ["loadModel", 8, [1, 2, 3]],
  ["toBytes", 3],
  ["hash", 3],
  ["embedding", 3, 5],
  ["posterior", 3],
  ["disposeModel", 3],
  ["evaluate", 8, 3, 1, {}],
  ["score", 8, 3, "whale", {}],
  ["beginScoreAll", 9, 3, 1, {}],
  ["openSession", 3, {}],
  ["openSession", 3, { cache: true, learner: { kind: "learner", options: { sequence: 4 } } }],
  ["sessionRead", 5, "whale"],
  ["sessionWord", 5],
  ["sessionTop", 5, 3],
  ["sessionDistribution", 5],
  ["sessionComplete", 8, 5, { tokens: 2 }],
  ["sessionFork", 5],
  ["sessionBytes", 5],
  ["sessionDispose", 5],
  ["beginFit", 9, 3, 1, { batch: 1, sequence: 2, epochs: 1 }],
  ["beginAdapt", 10, 3, 1, { batch: 1, sequence: 2, epochs: 1, past: [3] }],
  ["beginGenerate", 9, 3, { tokens: 2 }],
  ["next", 9],
  ["close", 9, true],
  ["abort", 8],
  ["release", 2],
];

function callOf(random: Random): [Name, ...unknown[]] {
  const [name, ...args] = random.pick(CALLS);
  const changed = random.once(3) ? args : (mutateJson(random, args) as unknown[]);
  const given = Array.isArray(changed) ? changed : [changed];
  // Handles are small numbers: of another kind, or of nothing, as often as right.
  if (random.once(3)) given[random.below(2)] = random.below(10);
  return [
    name,
    ...given.map((arg) => (Array.isArray(arg) && random.once(2) ? Int32Array.from(arg as number[]) : arg)),
  ];
}

/** A call's answer; work that takes long must end once it is aborted. */
async function answered(
  channel: Channel<ThreadFunctions>,
  [name, ...args]: [Name, ...unknown[]],
): Promise<void> {
  const long = setTimeout(() => channel.tell("abort", args[0] as number), 500);
  try {
    await channel.call(name, ...(args as never));
  } catch (error) {
    const aborted = (error as Error).name === "AbortError";
    if (!(error instanceof SviError) && !aborted)
      throw new Error(`${name}(${JSON.stringify(args)})`, { cause: error });
  } finally {
    clearTimeout(long);
  }
}

export const messages: Boundary = {
  name: "worker messages",
  prepare: () => async (random) => {
    const { channel, raw } = served();
    if (random.once(2)) {
      await channel.call("openCorpus", 7, ["the whale"], { tokenizer: "byte" });
      await channel.call("createModel", MODEL as never);
    }
    for (let calls = 1 + random.below(6); calls > 0; calls--) {
      if (random.once(8))
        raw.post(mutateJson(random, { "svi-lm": { m: "hash", a: [1], t: "q", i: "x" } }), []);
      await answered(channel, callOf(random));
    }
    for (const job of [7, 8, 9]) channel.tell("abort", job);
    must(
      typeof (await channel.call("hello", { wide: false })).version === "string",
      "the worker answers no more",
    );
    if (random.once(4))
      fromWire((mutateJson(random, { name: "E", message: someText(random, 3) }) ?? 1) as never);
  },
  property: fc.asyncProperty(
    fc.constantFrom(...CALLS.map(([name]) => name)),
    fc.array(fc.jsonValue(), { maxLength: 4 }),
    (name, args) => answered(served().channel, [name, ...args]),
  ) as fc.IRawProperty<unknown>,
};
