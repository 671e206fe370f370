/** @module The normalizers of a tokenizer.json: what a text becomes before it is cut. */
import { flag, isPart, list, malformed, type Part, text, typeOf, unsupported } from "./file.ts";
import { precompiled } from "./precompiled.ts";
import { compile, literal, type Pattern } from "./regex.ts";
import {
  COMBINING,
  CONTROL,
  NONSPACING,
  normalizeForm,
  SPACE,
  toByteCharacters,
  wellFormed,
} from "./unicode.ts";

export interface Normalizer {
  readonly normalize: (text: string) => string;
  /** Whether the first character that is left may not have been the first. */
  readonly cutsBeginning: boolean;
}

const spaces = new RegExp(`[${SPACE}]`, "gu");
const spacesFirst = new RegExp(`^[${SPACE}]+`, "u");
const spacesLast = new RegExp(`[${SPACE}]+$`, "u");
const controls = new RegExp(CONTROL, "gu");
const nonspacing = new RegExp(NONSPACING, "gu");
const combining = new RegExp(COMBINING, "gu");
// The blocks of CJK ideographs that BERT puts spaces around.
const ideographs =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it takes out
const nmtRemoved = /[\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]/gu;
const nmtSpaces = /[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/gu;

/** @throws E_TOKENIZER for one that is not read */
export function readNormalizer(part: unknown): Normalizer {
  const type = typeOf(part, "normalizer");
  const fields = part as Part;
  switch (type) {
    case "Sequence": {
      const parts = list(fields, "normalizers").map(readNormalizer);
      return {
        normalize: (x) => parts.reduce((out, one) => (out === "" ? "" : one.normalize(out)), x),
        cutsBeginning: parts.some((one) => one.cutsBeginning),
      };
    }
    case "NFC":
    case "NFD":
    case "NFKC":
    case "NFKD":
      return { normalize: (x) => normalizeForm(x, type), cutsBeginning: false };
    case "Lowercase":
      return { normalize: lowercase, cutsBeginning: false };
    case "Strip":
      return strip(flag(fields, "strip_left"), flag(fields, "strip_right"));
    case "StripAccents":
      return { normalize: (x) => x.replace(combining, ""), cutsBeginning: true };
    case "Nmt":
      return { normalize: (x) => x.replace(nmtRemoved, "").replace(nmtSpaces, " "), cutsBeginning: true };
    case "Prepend": {
      const prepended = wellFormed(text(fields, "prepend"));
      return { normalize: (x) => (x === "" ? x : prepended + x), cutsBeginning: true };
    }
    case "Replace": {
      const content = wellFormed(text(fields, "content"));
      const pattern = readPattern(fields);
      return { normalize: (x) => replaceAll(x, pattern, content), cutsBeginning: content === "" };
    }
    case "ByteLevel":
      return { normalize: toByteCharacters, cutsBeginning: false };
    case "BertNormalizer":
      return bert(fields);
    case "Precompiled":
      return { normalize: precompiled(text(fields, "precompiled_charsmap")), cutsBeginning: false };
    default:
      throw unsupported(`the normalizer ${type}`, type);
  }
}

/** `pattern: { String }` or `{ Regex }`, of a normalizer, a pre-tokenizer or a decoder. */
export function readPattern(fields: Part): Pattern {
  const { pattern } = fields;
  if (isPart(pattern) && typeof pattern.String === "string") return literal(wellFormed(pattern.String));
  if (isPart(pattern) && typeof pattern.Regex === "string") return compile(pattern.Regex);
  throw malformed("The tokenizer file has a pattern that is neither a String nor a Regex", pattern);
}

/** An empty match right behind another one does not count. */
export function replaceAll(x: string, pattern: Pattern, content: string): string {
  let end = -1;
  return x.replace(pattern.for(x), (match: string, ...rest: unknown[]) => {
    const at = rest.find((value) => typeof value === "number") as number;
    if (match === "" && at === end) return "";
    end = at + match.length;
    return content;
  });
}

/** Character by character: a final sigma is not told from another. */
function lowercase(x: string): string {
  return /\u03a3/.test(x) ? Array.from(x, (point) => point.toLowerCase()).join("") : x.toLowerCase();
}

function strip(left: boolean, right: boolean): Normalizer {
  return {
    normalize: (x) => {
      const rest = left ? x.replace(spacesFirst, "") : x;
      return right ? trimEnd(rest) : rest;
    },
    cutsBeginning: left,
  };
}

/** Without the quadratic time of an expression that looks for the end from every space. */
function trimEnd(x: string): string {
  let end = x.length;
  while (end > 0 && spacesLast.test(x[end - 1])) end--;
  return x.slice(0, end);
}

function bert(fields: Part): Normalizer {
  const clean = flag(fields, "clean_text", true);
  const chinese = flag(fields, "handle_chinese_chars", true);
  const lower = flag(fields, "lowercase", true);
  const accents = flag(fields, "strip_accents", lower);
  return {
    normalize: (x) => {
      let out = x;
      if (clean) out = out.replace(controls, "").replace(spaces, " ");
      if (chinese) out = out.replace(ideographs, " $& ");
      if (accents) out = normalizeForm(out, "NFD").replace(nonspacing, "");
      return lower ? lowercase(out) : out;
    },
    cutsBeginning: true,
  };
}
