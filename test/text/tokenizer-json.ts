/** GPT-2's printable stand-ins for the 256 bytes. */
function byteSymbols(): string[] {
  let spare = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    return String.fromCharCode(printable ? byte : spare++);
  });
}

/** A byte-level BPE with a few merges, some of them over line ends. */
export function byteLevel(change: object = {}): object {
  const words = [...byteSymbols(), "th", "the", "Ġthe", "Ġt", "čĊ", "ĊĊ"];
  return {
    version: "1.0",
    added_tokens: [
      {
        id: 262,
        content: "<|end|>",
        special: true,
        lstrip: false,
        rstrip: false,
        normalized: false,
        single_word: false,
      },
    ],
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      vocab: Object.fromEntries(words.map((word, id) => [word, id])),
      merges: ["t h", "th e", "Ġ t", "č Ċ", "Ċ Ċ"],
    },
    ...change,
  };
}

/** Lower case, an unknown token, and a special one that a template would put first. */
export const wordPiece = {
  version: "1.0",
  added_tokens: [],
  normalizer: { type: "Lowercase" },
  pre_tokenizer: { type: "Whitespace" },
  post_processor: {
    type: "TemplateProcessing",
    single: [{ SpecialToken: { id: "[CLS]", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
    pair: [],
    special_tokens: { "[CLS]": { id: "[CLS]", ids: [1], tokens: ["[CLS]"] } },
  },
  decoder: { type: "WordPiece", prefix: "##", cleanup: false },
  model: {
    type: "WordPiece",
    unk_token: "[UNK]",
    continuing_subword_prefix: "##",
    max_input_chars_per_word: 100,
    vocab: { "[UNK]": 0, "[CLS]": 1, whale: 2, "##s": 3, the: 4 },
  },
};
