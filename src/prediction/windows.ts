/** @module Texts from any source, some at a time: as many as are there, never waiting for more to come. */
import { SviError, shown } from "../errors.ts";
import { pause } from "../pause.ts";
import { messageOf } from "../shapes.ts";

/** A list, a generator, a stream of texts. */
export type Texts = Iterable<string> | AsyncIterable<string> | ReadableStream<string>;

/** Texts of a window: few at first, so that the first results come soon. */
const FIRST = 64;
const MOST = 2048;
/** UTF-16 code units of a window. */
const MOST_CHARACTERS = 2 ** 18;

type Pull = () => IteratorResult<unknown> | Promise<IteratorResult<unknown>>;

interface Source {
  readonly next: Pull;
  readonly close: () => unknown;
}

/** @throws SviError `E_OPTION` for what is not a collection of texts */
function open(texts: Texts): Source {
  const source = texts as Partial<
    Iterable<unknown> & AsyncIterable<unknown> & ReadableStream<unknown>
  > | null;
  if (typeof source === "object" && source !== null) {
    const iterator = source[Symbol.asyncIterator]?.() ?? source[Symbol.iterator]?.();
    if (iterator) return { next: () => iterator.next(), close: () => iterator.return?.() };
    // Streams of some browsers cannot be iterated over.
    const reader = source.getReader?.();
    if (reader)
      return {
        next: () => reader.read() as Promise<IteratorResult<unknown>>,
        close: () => reader.cancel(),
      };
  }
  throw new SviError("E_OPTION", `The texts are ${typeof texts === "string" ? "one string" : shown(texts)}`, {
    option: "texts",
    value: texts,
    remedy: "Give an array, an iterable or a stream of strings",
  });
}

/**
 * The texts in their order, in windows that are bounded in number and size.
 * @throws SviError `E_OPTION`; `E_TEXT_SOURCE` with the index where the source fails, after the window before it
 */
export async function* windows(texts: Texts, signal?: AbortSignal): AsyncGenerator<unknown[], void, void> {
  const source = open(texts);
  const abort = signal && abortOf(signal);
  let index = 0;
  let size = FIRST;
  let waiting: Promise<IteratorResult<unknown>> | undefined;
  let ended = false;
  /** The next text; undefined where none is there yet and `hurry` says not to wait. */
  const pull = async (hurry: boolean): Promise<IteratorResult<unknown> | undefined> => {
    if (!waiting) {
      const next = source.next();
      if (!(next instanceof Promise)) return next;
      waiting = next;
      // It may fail while the window before it is being scored, when nobody waits for it.
      waiting.catch(() => {});
    }
    const others = hurry ? [pause().then(() => undefined)] : abort ? [abort.promise] : [];
    const found = await Promise.race([waiting, ...others]);
    if (found) waiting = undefined;
    return found;
  };
  try {
    while (!ended) {
      const window: unknown[] = [];
      let characters = 0;
      let failure: { readonly cause: unknown } | undefined;
      while (window.length < size && characters < MOST_CHARACTERS) {
        try {
          const found = await pull(window.length > 0);
          if (!found) break;
          if (found.done) ended = true;
          else window.push(found.value);
        } catch (cause) {
          signal?.throwIfAborted();
          ended = true;
          failure = { cause };
        }
        if (ended) break;
        const text = window.at(-1);
        characters += typeof text === "string" ? text.length : 0;
      }
      if (window.length > 0) yield window;
      index += window.length;
      size = Math.min(MOST, 2 * size);
      if (failure) throw sourceError(index, failure.cause);
    }
  } finally {
    abort?.ignore();
    // What waits for a text that does not come would wait for ever.
    if (waiting) void source.close();
    else if (!ended) await source.close();
  }
}

/** Rejects with the signal's reason and never resolves, until it is no longer asked for: a signal may outlive many. */
function abortOf(signal: AbortSignal): { promise: Promise<never>; ignore: () => void } {
  let heard = () => {};
  const promise = new Promise<never>((_, reject) => {
    heard = () => reject(signal.reason);
    if (signal.aborted) heard();
    signal.addEventListener("abort", heard, { once: true });
  });
  promise.catch(() => {});
  return { promise, ignore: () => signal.removeEventListener("abort", heard) };
}

function sourceError(index: number, cause: unknown): SviError {
  // Of texts that come from another thread, which counted them.
  if (cause instanceof SviError && cause.code === "E_TEXT_SOURCE") return cause;
  return new SviError("E_TEXT_SOURCE", `The source failed at text ${index}: ${messageOf(cause)}`, {
    value: index,
    remedy: "The texts before it have been scored: begin again with this one",
    cause,
  });
}
