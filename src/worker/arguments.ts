/** @module What a call may bring, checked at the worker's door: messages may come from anywhere. */
import { SviError } from "../errors.ts";
import { shown } from "../options.ts";
import { bytesIn, isBlob } from "../shapes.ts";
import type { ThreadFunctions } from "./protocol.ts";

const KINDS = {
  number: { is: (value: unknown) => typeof value === "number", words: "a number" },
  "number?": { is: (value: unknown) => value === undefined || typeof value === "number", words: "a number" },
  string: { is: (value: unknown) => typeof value === "string", words: "a text" },
  boolean: { is: (value: unknown) => typeof value === "boolean", words: "true or false" },
  options: {
    is: (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value),
    words: "an object",
  },
  list: { is: (value: unknown) => Array.isArray(value), words: "a list" },
  ids: {
    is: (value: unknown) => Array.isArray(value) || (ArrayBuffer.isView(value) && "length" in value),
    words: "a list of ids",
  },
  file: {
    is: (value: unknown) => bytesIn(value) !== null || isBlob(value),
    words: "a file's bytes, or a Blob",
  },
  any: { is: () => true, words: "a value" },
} as const;

const ARGUMENTS: { readonly [K in keyof ThreadFunctions]: readonly (keyof typeof KINDS)[] } = {
  hello: ["options"],
  openCorpus: ["number", "list", "options"],
  corpusOfTokens: ["ids", "any"],
  sliceCorpus: ["number", "number", "number?"],
  splitCorpus: ["number", "list"],
  fingerprint: ["number"],
  learnTokenizer: ["number", "list", "options"],
  encode: ["number", "string"],
  decode: ["number", "ids"],
  continueText: ["number", "ids", "ids"],
  describe: ["number"],
  createModel: ["options"],
  loadModel: ["number", "file"],
  importModel: ["number", "file", "options"],
  toBytes: ["number"],
  hash: ["number"],
  embedding: ["number", "number"],
  posterior: ["number"],
  disposeModel: ["number"],
  evaluate: ["number", "number", "number", "options"],
  score: ["number", "number", "any", "options"],
  beginScoreAll: ["number", "number", "number", "options"],
  translate: ["number", "number", "any", "options"],
  beginTranslateAll: ["number", "number", "number", "options"],
  openSession: ["number", "options"],
  sessionRead: ["number", "any"],
  sessionWord: ["number"],
  sessionTop: ["number", "any"],
  sessionDistribution: ["number"],
  sessionComplete: ["number", "number", "options"],
  sessionLearn: ["number", "number", "options"],
  sessionLearntBytes: ["number"],
  sessionFork: ["number"],
  sessionBytes: ["number"],
  sessionDispose: ["number"],
  beginFit: ["number", "number", "number", "options"],
  beginAdapt: ["number", "number", "number", "options"],
  beginGenerate: ["number", "number", "options"],
  next: ["number"],
  close: ["number", "boolean"],
  abort: ["number"],
  release: ["number"],
};

/** The same functions, each of which throws an SviError `E_OPTION` for arguments that it cannot have. */
export function checkingArguments(functions: ThreadFunctions): ThreadFunctions {
  const checking = Object.entries(functions).map(([name, work]) => {
    const kinds = ARGUMENTS[name as keyof ThreadFunctions];
    return [
      name,
      (...args: unknown[]) => {
        for (const [i, kind] of kinds.entries())
          if (!KINDS[kind].is(args[i])) throw refused(name, i, args[i], kind);
        return (work as (...args: unknown[]) => unknown)(...args);
      },
    ];
  });
  return Object.fromEntries(checking);
}

function refused(name: string, index: number, value: unknown, kind: keyof typeof KINDS): SviError {
  return new SviError("E_OPTION", `Argument ${index + 1} of ${name} is ${shown(value)}`, {
    value,
    remedy: `Give ${KINDS[kind].words}`,
  });
}
