/**
 * @module SentencePiece's compiled normalisation: a double array that maps byte strings to places in a list of
 * replacements, each ended by a zero byte.
 */
import { SviError } from "../../errors.ts";
import { malformed } from "./file.ts";

/** @param base64 the field `precompiled_charsmap` */
export function precompiled(base64: string): (text: string) => string {
  const bytes = fromBase64(base64);
  const view = new DataView(bytes.buffer);
  const size = bytes.length >= 4 ? view.getUint32(0, true) : Number.POSITIVE_INFINITY;
  if (size % 4 !== 0 || size === 0 || 4 + size > bytes.length)
    throw malformed("The tokenizer file's precompiled_charsmap is cut short", bytes.length);
  const units = Uint32Array.from({ length: size / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
  const replacements = bytes.subarray(4 + size);
  const segments = graphemes();
  const encoder = new TextEncoder();
  const known = new Map<string, string | null>();

  /** What stands for a chunk: the replacement of its shortest beginning that has one. */
  const transform = (chunk: string): string | null => {
    let replacement = known.get(chunk);
    if (replacement === undefined) {
      const at = shortestKey(units, encoder.encode(chunk));
      replacement = at === null ? null : zeroEnded(replacements, at);
      if (known.size >= 65536) known.clear();
      known.set(chunk, replacement);
    }
    return replacement;
  };

  return (text) => {
    let out = "";
    for (const grapheme of segments(text)) {
      const whole = utf8Length(grapheme) < 6 ? transform(grapheme) : null;
      if (whole !== null) out += whole;
      else for (const point of grapheme) out += transform(point) ?? point;
    }
    return out;
  };
}

/** Walks the double array: a unit holds a label in its low byte, an offset, and whether a value follows. */
function shortestKey(units: Uint32Array, key: Uint8Array): number | null {
  const offset = (unit: number) => (unit >>> 10) << ((unit & 0x200) >>> 6);
  let at = offset(units[0]);
  for (const byte of key) {
    if (byte === 0) return null;
    at ^= byte;
    const unit = units[at];
    if (unit === undefined || (unit & 0x800000ff) !== byte) return null;
    at ^= offset(unit);
    if ((unit >>> 8) & 1) return (units[at] ?? 0) & 0x7fffffff;
  }
  return null;
}

function zeroEnded(bytes: Uint8Array, at: number): string {
  const end = bytes.indexOf(0, at);
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(at, end < 0 ? undefined : end));
}

function utf8Length(text: string): number {
  let length = 0;
  for (const point of text) {
    const value = point.codePointAt(0)!;
    length += value < 0x80 ? 1 : value < 0x800 ? 2 : value < 0x10000 ? 3 : 4;
  }
  return length;
}

/** Characters as a reader sees them. */
function graphemes(): (text: string) => Iterable<string> {
  if (typeof Intl === "undefined" || !("Segmenter" in Intl))
    throw new SviError(
      "E_HOST",
      "This host cannot tell graphemes apart, which a Precompiled normalizer needs",
      {
        remedy: "Use a host with Intl.Segmenter",
      },
    );
  const segmenter = new Intl.Segmenter("und", { granularity: "grapheme" });
  return (text) => (/^[\n -~]*$/.test(text) ? text : Array.from(segmenter.segment(text), (s) => s.segment));
}

function fromBase64(base64: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    throw malformed("The tokenizer file's precompiled_charsmap is not base64", base64.slice(0, 40));
  }
}
