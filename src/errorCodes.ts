/** @module Every error code: what it means, and what usually helps. The remedy of an error itself is more exact. */

interface Explanation {
  readonly meaning: string;
  readonly remedy: string;
}

/** Not part of what is bundled: `SviErrorCode` is its keys, and the page on errors is made of it. */
export const ERROR_CODES = {
  E_TEXT_EMPTY: {
    meaning: "A text or a prompt holds no tokens.",
    remedy: "Give a text with at least one symbol of the vocabulary.",
  },
  E_TEXT_SHORT: {
    meaning: "A text has too few tokens for what is asked of it.",
    remedy: "Give a longer text, or a smaller batch or sequence; a score needs at least two tokens.",
  },
  E_TEXT_LONG: {
    meaning: "One of many texts, or of pairs of texts, is longer than is allowed.",
    remedy: "Split it, or raise the limit; evaluate() reads a text of any length as a corpus.",
  },
  E_PAIRS: {
    meaning:
      "A pair of texts cannot be learnt from: its target is empty, a symbol that stands between texts is inside one, or two texts have different numbers of lines.",
    remedy: "Correct the line that the error names.",
  },
  E_TEXT_SOURCE: {
    meaning: "What texts come from failed in the middle.",
    remedy: "Begin again with the text that the error names: those before it were scored.",
  },
  E_PREFIX: {
    meaning: "No word that the model can write begins with what is half typed.",
    remedy: "Type on, or correct what is typed.",
  },
  E_MODEL: {
    meaning:
      "A session's bytes, or what it learnt, belong to another model, to this one before it was trained, or not together.",
    remedy: "Read the text again in a new session.",
  },
  E_TEXT_CHANGED: {
    meaning: "A text that is read again is not the one that was opened.",
    remedy: "Leave the text unchanged while it is in use, or open it again.",
  },
  E_TEXT_ENCODING: {
    meaning: "A text is not UTF-8.",
    remedy: "Convert it to UTF-8, or use the byte tokenizer.",
  },
  E_UNKNOWN_SYMBOL: {
    meaning:
      "A symbol is outside of the vocabulary, and the tokenizer has no unknown id; or nothing of a text to learn from is in it.",
    remedy:
      "Use the byte tokenizer, or learn a vocabulary with a minimum count above 1, which has an unknown id.",
  },
  E_TOKEN_RANGE: {
    meaning: "A token id is outside of the vocabulary.",
    remedy: "Encode texts with the model's own tokenizer.",
  },
  E_TOKENIZER: {
    meaning: "A tokenizer's description or tokenizer.json cannot be used.",
    remedy: "Give what describe() returned, or a supported tokenizer.json as it was saved.",
  },
  E_VOCABULARY_MISMATCH: {
    meaning: "A text was tokenised by another tokenizer than the model's.",
    remedy: "Open the text with the model's own tokenizer.",
  },
  E_FILE_MISSING: {
    meaning: "There is no file at a path.",
    remedy: "Correct the path.",
  },
  E_FILE_READ: {
    meaning: "A file cannot be read.",
    remedy: "Check that it is a regular file and that you may read it.",
  },
  E_FILE_WRITE: {
    meaning: "A file cannot be written.",
    remedy: "Check the folder, its permissions and the space that is left.",
  },
  E_FORMAT: {
    meaning: "A file is not what it is taken for, or is damaged.",
    remedy: "Give a file as it was saved.",
  },
  E_VERSION: {
    meaning: "A file, a checkpoint or a worker belongs to another version of svi-lm.",
    remedy: "Use the version that wrote it.",
  },
  E_OPTION: {
    meaning: "An option or an argument is unknown, of the wrong type, out of range, or excludes another.",
    remedy: "Correct the option that the error names.",
  },
  E_DIVERGED: {
    meaning: "Training or a prediction arrived at something that is not a number.",
    remedy: "Train again with a smaller learning rate; the last good weights were kept.",
  },
  E_MEMORY: {
    meaning: "A run would need more memory than the limit, or than the host gives.",
    remedy: "Use a smaller model, batch or sequence, or raise the limit.",
  },
  E_BUSY: {
    meaning: "A model or a reader is in use.",
    remedy: "Finish or break out of the other use first.",
  },
  E_DISPOSED: {
    meaning: "A model, a reader or a set of threads was given back already.",
    remedy: "Make it again.",
  },
  E_CHECKPOINT: {
    meaning: "A checkpoint holds no run, or another run than the one that is resumed.",
    remedy: "Resume with the text and options that the run began with.",
  },
  E_HOST: {
    meaning: "The host lacks something that is needed, such as WebAssembly SIMD or shared memory.",
    remedy: "Ask capabilities() what the host offers.",
  },
  E_KERNELS: {
    meaning: "No kernels are loaded, or they are not those of this version.",
    remedy: "Import an entry point that brings them, or load those of this version.",
  },
  E_WORKER: {
    meaning: "A worker or a thread cannot be started, does not answer, or has died.",
    remedy: "Check that its file is served, or start again.",
  },
  E_STORE: {
    meaning: "A distributed run's blob is not in its store, is damaged, or does not fit there.",
    remedy: "Give the coordinator and all workers the same store, with room for the models.",
  },
  E_SERVER: {
    meaning: "The server of a federated run cannot be reached, or refuses a party.",
    remedy: "Check its address and token, and that it still runs.",
  },
  E_REDIS: {
    meaning: "Redis cannot be reached, or refuses the connection.",
    remedy: "Start it, or correct the address, user or password.",
  },
} as const satisfies Record<string, Explanation>;
