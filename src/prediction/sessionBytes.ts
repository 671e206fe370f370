/** @module A session as bytes: a line of JSON, then its states, little-endian float32. */
import { SviError } from "../errors.ts";
import type { Model } from "./model.ts";
import type { SessionStates } from "./session.ts";
import { fingerprintOf, type SessionForm } from "./shared.ts";
import type { TypedState } from "./typed.ts";

const FORMAT = "svi-lm session";
const VERSION = 1;
const LINE_FEED = 10;

export interface KeptSession {
  readonly fingerprint: string;
  readonly form: SessionForm;
  readonly states: SessionStates;
  readonly typed: TypedState;
  readonly tokens: number;
}

export function writeSession({ fingerprint, form, states, typed, tokens }: KeptSession): Uint8Array {
  const { samples, seed, sampling, quantized } = form;
  const header = {
    format: FORMAT,
    version: VERSION,
    fingerprint,
    samples,
    seed,
    sampling,
    quantized,
    typed,
    tokens,
  };
  const line = new TextEncoder().encode(`${JSON.stringify(header)}\n`);
  const all = [states.now, states.word, ...(states.line ? [states.line] : [])];
  const bytes = new Uint8Array(line.length + 4 * all.length * states.now.length);
  bytes.set(line);
  const view = new DataView(bytes.buffer, line.length);
  all.forEach((state, i) => {
    for (const [j, x] of state.entries()) view.setFloat32(4 * (i * state.length + j), x, true);
  });
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
  const typed = requireTyped(header.typed, tokenizer.vocabularySize);
  const { samples, seed, sampling, quantized, tokens } = header as Record<string, never>;
  const pieces = tokenizer.kind === "json" ? 3 : 2;
  const left = bytes.length - end - 1;
  if (left === 0 || left % (4 * pieces) !== 0 || !Number.isInteger(tokens) || tokens < 0)
    throw damaged(`It has ${left} bytes of states`, left);
  const size = left / (4 * pieces);
  const view = new DataView(bytes.buffer, bytes.byteOffset + end + 1);
  const [now, word, line = null] = Array.from({ length: pieces }, (_, i) =>
    Float32Array.from({ length: size }, (_, j) => view.getFloat32(4 * (i * size + j), true)),
  );
  for (const state of [now, word, line])
    if (state?.some((x) => !Number.isFinite(x))) throw damaged("A state is not a number", Number.NaN);
  return {
    fingerprint,
    form: { samples, seed, sampling, quantized },
    states: { now, word, line },
    typed,
    tokens,
  };
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
  const isId = (id: unknown) => Number.isInteger(id) && (id as number) >= 0 && (id as number) < vocabulary;
  if (
    typeof line !== "string" ||
    typeof word !== "string" ||
    typeof held !== "string" ||
    !Array.isArray(ids) ||
    !ids.every(isId) ||
    !(Number.isInteger(marked) && marked! >= 0 && marked! <= ids.length)
  )
    throw damaged("What was typed is malformed", typeof typed);
  return { line, word, held, ids, marked: marked! };
}

function damaged(how: string, value: unknown, cause?: unknown): SviError {
  return new SviError("E_FORMAT", `These are not the bytes of a session. ${how}`, {
    value,
    remedy: "Give what toBytes() returned",
    cause,
  });
}
