/** @module A session as bytes: a line of JSON, then its states and those of its cache, little-endian float32. */
import { SviError } from "../errors.ts";
import { Cache, requireCache } from "./cache.ts";
import type { WaitingTokens } from "./learning.ts";
import type { Model } from "./model.ts";
import type { SessionPlaces, SessionStates } from "./session.ts";
import { fingerprintOf, type SessionForm } from "./shared.ts";
import type { TypedState } from "./typed.ts";

const FORMAT = "svi-lm session";
const VERSION = 1;
const LINE_FEED = 10;

export interface KeptSession {
  readonly fingerprint: string;
  readonly form: SessionForm;
  readonly states: SessionStates;
  readonly places: SessionPlaces;
  readonly typed: TypedState;
  readonly cache: Cache | null;
  /** Of a session that learns. */
  readonly learnt: {
    /** Fingerprint of its own weights. */
    readonly weights: string;
    readonly waiting: WaitingTokens;
  } | null;
}

export function writeSession(kept: KeptSession): Uint8Array {
  const { fingerprint, form, states, places, typed, cache, learnt } = kept;
  const { samples, seed, sampling, quantized } = form;
  const { dropped, words, keys } = cache?.state ?? {};
  const header = {
    format: FORMAT,
    version: VERSION,
    fingerprint,
    samples,
    seed,
    sampling,
    quantized,
    typed,
    places,
    cache: cache ? { form: cache.form, width: cache.width, dropped, words } : undefined,
    learnt: learnt ?? undefined,
  };
  const line = new TextEncoder().encode(`${JSON.stringify(header)}\n`);
  const all = [states.now, states.word, ...(states.line ? [states.line] : []), ...(keys ? [keys] : [])];
  const bytes = new Uint8Array(line.length + 4 * all.reduce((sum, { length }) => sum + length, 0));
  bytes.set(line);
  const view = new DataView(bytes.buffer, line.length);
  let at = 0;
  for (const floats of all) for (const x of floats) view.setFloat32(4 * at++, x, true);
  return bytes;
}

/**
 * Reads what `writeSession` wrote; nothing in it is trusted.
 * @throws SviError `E_FORMAT`, `E_VERSION`; `E_MODEL` where the weights are others
 */
export function readSession({ posterior, tokenizer }: Model, bytes: Uint8Array): KeptSession {
  if (!ArrayBuffer.isView(bytes)) throw damaged("It is not bytes", typeof bytes);
  const end = bytes.indexOf(LINE_FEED);
  const header = parse(bytes.subarray(0, Math.max(0, end)));
  if (header.format !== FORMAT) throw damaged("Its first line does not say what it is", header.format);
  if (header.version !== VERSION)
    throw new SviError("E_VERSION", `The session is of version ${String(header.version)}`, {
      value: header.version,
      remedy: "Open a new one, or use the version of svi-lm that wrote it",
    });
  const fingerprint = fingerprintOf(posterior);
  if (header.fingerprint !== fingerprint)
    throw new SviError(
      "E_MODEL",
      "The session belongs to another model, or to this one before it was trained",
      {
        value: header.fingerprint,
        remedy: "Read the text again in a new session",
      },
    );
  const { vocabularySize } = tokenizer;
  const typed = requireTyped(header.typed, vocabularySize);
  const places = requirePlaces(header.places);
  const described = requireEntries(header.cache, vocabularySize, places.now);
  const learnt = requireLearnt(header.learnt, vocabularySize, places.now);
  const { samples, seed, sampling, quantized } = header as Record<string, never>;
  const pieces = tokenizer.kind === "json" ? 3 : 2;
  const cached = described ? described.words.length * described.width : 0;
  const left = bytes.length - end - 1;
  const size = (left / 4 - cached) / pieces;
  if (!(Number.isInteger(size) && size > 0)) throw damaged(`It has ${left} bytes of states`, left);
  const floats = floatsIn(bytes, end + 1);
  const [now, word, line = null] = Array.from({ length: pieces }, (_, i) =>
    floats.slice(i * size, (i + 1) * size),
  );
  return {
    fingerprint,
    form: { samples, seed, sampling, quantized },
    states: { now, word, line },
    places,
    typed,
    learnt,
    cache:
      described &&
      Cache.of(described.form, described.width, { ...described, keys: floats.slice(pieces * size) }),
  };
}

function floatsIn(bytes: Uint8Array, from: number): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset + from);
  const floats = Float32Array.from({ length: (bytes.length - from) >> 2 }, (_, i) =>
    view.getFloat32(4 * i, true),
  );
  if (floats.some((x) => !Number.isFinite(x))) throw damaged("A state is not a number", Number.NaN);
  return floats;
}

function parse(line: Uint8Array): Record<string, unknown> {
  try {
    const found = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(line));
    if (typeof found === "object" && found !== null) return found;
  } catch (cause) {
    throw damaged("Its first line is not JSON", line.length, cause);
  }
  throw damaged("Its first line is not an object", line.length);
}

function requireTyped(typed: unknown, vocabulary: number): TypedState {
  const { line, word, held, ids, marked } = (typed ?? {}) as Partial<TypedState>;
  if (
    typeof line !== "string" ||
    typeof word !== "string" ||
    typeof held !== "string" ||
    !Array.isArray(ids) ||
    !ids.every(isId(vocabulary)) ||
    !(Number.isInteger(marked) && marked! >= 0 && marked! <= ids.length)
  )
    throw damaged("What was typed is malformed", typeof typed);
  return { line, word, held, ids, marked: marked! };
}

const isCount = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0;
const isId = (vocabulary: number) => (id: unknown) => isCount(id) && id < vocabulary;

function requirePlaces(places: unknown): SessionPlaces {
  const { now, word, line } = (places ?? {}) as Partial<SessionPlaces>;
  if (isCount(now) && isCount(word) && isCount(line) && line <= word && word <= now)
    return { now, word, line };
  throw damaged("Where its states are is malformed", typeof places);
}

/** A cache without its states; null for none. @param tokens that were read: an entry for each but the first */
function requireEntries(cache: unknown, vocabulary: number, tokens: number) {
  if (cache === undefined) return null;
  const { form, width, dropped, words } = (cache ?? {}) as Record<string, never>;
  if (
    isCount(width) &&
    isCount(dropped) &&
    Array.isArray(words) &&
    (words as unknown[]).every(isId(vocabulary)) &&
    dropped + (words as number[]).length === Math.max(0, tokens - 1)
  )
    try {
      return {
        form: requireCache(form ?? {})!,
        width: width as number,
        dropped: dropped as number,
        words: words as number[],
      };
    } catch (cause) {
      throw damaged("Its cache has a form that there is not", typeof form, cause);
    }
  throw damaged("Its cache is malformed", typeof cache);
}

function requireLearnt(learnt: unknown, vocabulary: number, tokens: number): KeptSession["learnt"] {
  if (learnt === undefined) return null;
  const { weights, waiting } = (learnt ?? {}) as Partial<NonNullable<KeptSession["learnt"]>>;
  const { ids, apart } = (waiting ?? {}) as Partial<WaitingTokens>;
  const known = Array.isArray(ids) && ids.length <= tokens && ids.every(isId(vocabulary));
  if (typeof weights === "string" && known && typeof apart === "boolean")
    return { weights, waiting: { ids, apart } };
  throw damaged("What it learnt is malformed", typeof learnt);
}

function damaged(how: string, value: unknown, cause?: unknown): SviError {
  return new SviError("E_FORMAT", `These are not the bytes of a session. ${how}`, {
    value,
    remedy: "Give what toBytes() returned",
    cause,
  });
}
