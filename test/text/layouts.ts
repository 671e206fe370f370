/** Small files laid out as published tokenizers are, each with a vocabulary learnt from a few sentences. */
type Json = Record<string, unknown>;

const SAMPLE = `The whale's wake, they're sure, was 1,234 fathoms long; we'll see it at 10:30!
Die größte Überraschung: Straße, naïve café, déjà vu… привет, мир! Ελληνικά σοφός
東京の天気は良い。 한국어 문장 नमस्ते दुनिया 😀👩‍👩‍👧 ﬁne ½ Ⅷ ①  two  spaces\tand tabs
<s> isn't </s> it? [MASK] 'S 'LL 'Re don't I've HTTPServer camelCase snake_case x=y+z; a.b(c) "quoted" — dash`;

function byteSymbols(): string[] {
  let spare = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    return String.fromCharCode(printable ? byte : spare++);
  });
}

const bytesOf = (text: string): string =>
  Array.from(new TextEncoder().encode(text), (byte) => byteSymbols()[byte]).join("");

/** Merges by falling count, as the algorithm's definition has it. */
function learnMerges(words: readonly string[], count: number): [string, string][] {
  const split = words.map((word) => [...word]);
  const merges: [string, string][] = [];
  for (let i = 0; i < count; i++) {
    const pairs = new Map<string, number>();
    for (const word of split)
      for (let j = 1; j < word.length; j++) {
        const pair = `${word[j - 1]}\u0000${word[j]}`;
        pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
      }
    const best = [...pairs].sort(([p, m], [q, n]) => n - m || (p < q ? -1 : 1))[0];
    if (!best) break;
    const [left, right] = best[0].split("\u0000");
    merges.push([left, right]);
    for (const word of split)
      for (let j = 1; j < word.length; j++)
        if (word[j - 1] === left && word[j] === right) word.splice(j - 1, 2, left + right);
  }
  return merges;
}

const numbered = (tokens: Iterable<string>): Record<string, number> =>
  Object.fromEntries([...new Set(tokens)].map((token, id) => [token, id]));

const bytes256 = Array.from(
  { length: 256 },
  (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
);

const added = (id: number, content: string, change: Json = {}): Json => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
  ...change,
});

const file = (parts: Json): Json => ({
  version: "1.0",
  truncation: null,
  padding: null,
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: null,
  post_processor: null,
  decoder: null,
  ...parts,
});

const bpe = (vocab: Json, merges: [string, string][], change: Json = {}): Json => ({
  type: "BPE",
  dropout: null,
  unk_token: null,
  continuing_subword_prefix: null,
  end_of_word_suffix: null,
  fuse_unk: false,
  byte_fallback: false,
  vocab,
  merges: merges.map((pair) => pair.join(" ")),
  ...change,
});

const byteLevelStep = (change: Json = {}): Json => ({
  type: "ByteLevel",
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: true,
  ...change,
});

/** Byte-level BPE over words that a pattern cuts. */
function byteLevel(pattern: RegExp | null, parts: Json = {}, model: Json = {}, extra: string[] = []): Json {
  const gpt2 = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+/gu;
  const words = (SAMPLE.match(pattern ?? gpt2) ?? []).map(bytesOf);
  const merges = learnMerges(words, 150);
  const vocab = numbered([...byteSymbols(), ...merges.map((pair) => pair.join("")), ...extra]);
  return file({
    pre_tokenizer: byteLevelStep(),
    decoder: byteLevelStep({ add_prefix_space: true }),
    post_processor: byteLevelStep(),
    model: bpe(vocab, merges, model),
    ...parts,
  });
}

const splitting = (regex: string, behavior = "Isolated", invert = false): Json => ({
  type: "Split",
  pattern: { Regex: regex },
  behavior,
  invert,
});

const thenBytes = (...steps: Json[]): Json => ({
  type: "Sequence",
  pretokenizers: [...steps, byteLevelStep({ use_regex: false })],
});

const CL100K =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const TIKTOKEN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+";
const QWEN = CL100K.replace("\\p{N}{1,3}", "\\p{N}");
const O200K = [
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
  "\\p{N}{1,3}",
  " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*",
  "\\s*[\\r\\n]+",
  "\\s+(?!\\S)",
  "\\s+",
].join("|");

const chars = (text: string): string[] => [...new Set(text)];
const words = (text: string): string[] => text.split(/\s+/);

/** SentencePiece's BPE with bytes for what it lacks: Llama 2, Mistral, Gemma. */
function sentencePieceBpe(parts: Json, model: Json = {}): Json {
  const marked = SAMPLE.replaceAll(" ", "▁").split(/(?=▁)|\n/);
  const merges = learnMerges(marked, 120);
  const vocab = numbered([
    "<unk>",
    "<s>",
    "</s>",
    ...bytes256,
    "▁",
    ...chars(SAMPLE).filter((x) => !/[\s\p{Lo}\p{So}]/u.test(x)),
    ...merges.map((pair) => pair.join("")),
    ...merges.flat(),
  ]);
  return file({
    added_tokens: [
      added(0, "<unk>", { normalized: true }),
      added(1, "<s>"),
      added(2, "</s>", { rstrip: true }),
    ],
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "▁" }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
        { type: "Strip", content: " ", start: 1, stop: 0 },
      ],
    },
    model: bpe(vocab, merges, { unk_token: "<unk>", fuse_unk: true, byte_fallback: true, ...model }),
    ...parts,
  });
}

const llamaNormalizer = {
  type: "Sequence",
  normalizers: [
    { type: "Prepend", prepend: "▁" },
    { type: "Replace", pattern: { String: " " }, content: "▁" },
  ],
};

const metaspace = (change: Json = {}): Json => ({
  type: "Metaspace",
  replacement: "▁",
  prepend_scheme: "always",
  split: true,
  ...change,
});

/** Scores that are sums of binary fractions, so that the order of additions cannot matter. */
function unigram(parts: Json, change: Json = {}, extra: string[] = []): Json {
  const pieces = [
    "<pad>",
    "</s>",
    "<unk>",
    ...extra,
    "▁",
    ...chars(SAMPLE).filter((x) => !/[\s\p{So}]/u.test(x)),
    ...words(SAMPLE).flatMap((word) => {
      const part = (from: number, to?: number) => [...word].slice(from, to).join("");
      return [`▁${word}`, part(0, 3), `▁${part(0, 4)}`, part(-2)];
    }),
  ];
  const vocab = [...new Set(pieces)]
    .filter((piece) => piece !== "")
    .map((piece, i) => [piece, i < 3 ? 0 : -(2 + ((i * 37) % 97) / 16)]);
  return file({
    added_tokens: [added(0, "<pad>"), added(1, "</s>"), added(2, "<unk>", { normalized: true })],
    pre_tokenizer: metaspace(),
    decoder: metaspace(),
    model: { type: "Unigram", unk_id: 2, vocab, ...change },
    ...parts,
  });
}

function wordPiece(parts: Json, lower: boolean): Json {
  const text = lower
    ? SAMPLE.toLowerCase()
        .normalize("NFD")
        .replace(/\p{Mn}/gu, "")
    : SAMPLE;
  const pieces = words(text).flatMap((word) => [
    word.slice(0, 4),
    `##${word.slice(4)}`,
    `##${word.slice(2, 4)}`,
    word.slice(0, 2),
  ]);
  const vocab = numbered([
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    ...chars(text).filter((x) => /\S/.test(x)),
    ...chars(text)
      .filter((x) => /[\p{L}\p{N}]/u.test(x))
      .map((x) => `##${x}`),
    ...pieces.filter((x) => x !== "" && x !== "##"),
  ]);
  return file({
    added_tokens: [0, 1, 2, 3, 4].map((id) => added(id, Object.keys(vocab)[id])),
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: lower,
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: {
      type: "TemplateProcessing",
      single: [{ SpecialToken: { id: "[CLS]", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
      pair: [{ Sequence: { id: "A", type_id: 0 } }, { Sequence: { id: "B", type_id: 1 } }],
      special_tokens: { "[CLS]": { id: "[CLS]", ids: [2], tokens: ["[CLS]"] } },
    },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab,
    },
    ...parts,
  });
}

/** CLIP: lower case, an end-of-word mark on byte-level symbols. */
function clip(): Json {
  const pattern = /'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+/gu;
  const cut = (SAMPLE.toLowerCase().match(pattern) ?? []).map(bytesOf);
  const merges: [string, string][] = [];
  for (const [left, right] of learnMerges(cut, 80)) merges.push([left, right]);
  for (const word of cut) if (word.length === 2) merges.push([word[0], `${word[1]}</w>`]);
  const vocab = numbered([
    ...byteSymbols(),
    ...byteSymbols().map((x) => `${x}</w>`),
    ...merges.map((pair) => pair.join("")),
    "<|startoftext|>",
    "<|endoftext|>",
  ]);
  return file({
    added_tokens: [
      added(vocab["<|startoftext|>"], "<|startoftext|>", { normalized: true }),
      added(vocab["<|endoftext|>"], "<|endoftext|>"),
    ],
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "NFC" },
        { type: "Replace", pattern: { Regex: "\\s+" }, content: " " },
        { type: "Lowercase" },
      ],
    },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [splitting(pattern.source, "Removed", true), byteLevelStep({ use_regex: true })],
    },
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: bpe(vocab, merges, {
      unk_token: "<|endoftext|>",
      end_of_word_suffix: "</w>",
      continuing_subword_prefix: "",
    }),
  });
}

/** Character-level BPE with an end-of-word mark, as the first BPE files had it. */
function characterBpe(): Json {
  const merges = learnMerges(words(SAMPLE), 80);
  const vocab = numbered([
    "<unk>",
    ...chars(SAMPLE).filter((x) => /[\x21-\x7e]/.test(x)),
    ...chars(SAMPLE)
      .filter((x) => /[\x21-\x7e]/.test(x))
      .map((x) => `${x}</w>`),
    ...merges.flatMap(([left, right]) => [left, right, left + right]),
  ]);
  return file({
    normalizer: {
      type: "Sequence",
      normalizers: [{ type: "NFKC" }, { type: "Strip", strip_left: true, strip_right: true }],
    },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [{ type: "WhitespaceSplit" }, { type: "Punctuation", behavior: "MergedWithPrevious" }],
    },
    decoder: { type: "BPEDecoder", suffix: "</w>" },
    model: bpe(vocab, merges, { unk_token: "<unk>", end_of_word_suffix: "</w>", fuse_unk: true }),
  });
}

function wordLevel(): Json {
  const vocab = numbered(["[UNK]", ...(SAMPLE.match(/[\p{L}\p{M}\p{N}_]+|[^\s\p{L}\p{M}\p{N}_]+/gu) ?? [])]);
  return file({
    added_tokens: [added(0, "[UNK]")],
    pre_tokenizer: { type: "Whitespace" },
    model: { type: "WordLevel", vocab, unk_token: "[UNK]" },
  });
}

const robertaPieces = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"];

/** By name; `charsmap` is a compiled normalisation for those that have one. */
export function layouts(charsmap: string): Record<string, Json> {
  const precompiled = { type: "Precompiled", precompiled_charsmap: charsmap };
  const roberta = byteLevel(
    null,
    {
      pre_tokenizer: byteLevelStep({ add_prefix_space: true }),
      added_tokens: robertaPieces.map((token, i) => added(i, token, { lstrip: token === "<mask>" })),
    },
    {},
    robertaPieces,
  );
  const llama3 = byteLevel(
    null,
    {
      pre_tokenizer: thenBytes(splitting(CL100K)),
      added_tokens: [added(406, "<|begin_of_text|>"), added(407, "<|eot_id|>")],
    },
    { ignore_merges: true },
  );
  return {
    "GPT-2": byteLevel(null),
    "GPT-4": byteLevel(null, { pre_tokenizer: thenBytes(splitting(TIKTOKEN)) }),
    "GPT-4o": byteLevel(null, { pre_tokenizer: thenBytes(splitting(O200K, "Removed", true)) }),
    "Llama 3": llama3,
    Qwen: byteLevel(null, { normalizer: { type: "NFC" }, pre_tokenizer: thenBytes(splitting(QWEN)) }),
    DeepSeek: byteLevel(null, {
      pre_tokenizer: thenBytes(
        splitting("\\p{N}{1,3}"),
        splitting("[一-龥぀-ゟ゠-ヿ]+"),
        splitting(
          "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
        ),
      ),
    }),
    Falcon: byteLevel(null, {
      pre_tokenizer: {
        type: "Sequence",
        pretokenizers: [
          { type: "Punctuation", behavior: "Contiguous" },
          byteLevelStep(),
          { type: "Digits", individual_digits: false },
          splitting("[0-9][0-9][0-9]"),
        ],
      },
    }),
    StarCoder: byteLevel(null, {
      pre_tokenizer: {
        type: "Sequence",
        pretokenizers: [{ type: "Digits", individual_digits: true }, byteLevelStep()],
      },
    }),
    RoBERTa: roberta,
    CLIP: clip(),
    "Llama 2": sentencePieceBpe({ normalizer: llamaNormalizer }),
    "Llama 2, newer": sentencePieceBpe({
      pre_tokenizer: metaspace({ prepend_scheme: "first", split: false }),
    }),
    Mistral: sentencePieceBpe({ normalizer: llamaNormalizer }, { fuse_unk: true, ignore_merges: false }),
    Gemma: sentencePieceBpe({
      normalizer: { type: "Replace", pattern: { String: " " }, content: "▁" },
      pre_tokenizer: {
        type: "Split",
        pattern: { String: " " },
        behavior: "MergedWithPrevious",
        invert: false,
      },
    }),
    T5: unigram({
      normalizer: precompiled,
      pre_tokenizer: { type: "Sequence", pretokenizers: [{ type: "WhitespaceSplit" }, metaspace()] },
    }),
    ALBERT: unigram({
      normalizer: {
        type: "Sequence",
        normalizers: [
          { type: "Replace", pattern: { String: "``" }, content: '"' },
          { type: "NFKD" },
          { type: "StripAccents" },
          { type: "Lowercase" },
          precompiled,
          { type: "Replace", pattern: { Regex: " {2,}" }, content: " " },
        ],
      },
      pre_tokenizer: { type: "Sequence", pretokenizers: [{ type: "WhitespaceSplit" }, metaspace()] },
    }),
    "XLM-R": unigram({
      normalizer: { type: "Sequence", normalizers: [{ type: "Nmt" }, { type: "NFKC" }, precompiled] },
    }),
    mBART: unigram({
      normalizer: {
        type: "Sequence",
        normalizers: [
          precompiled,
          { type: "Replace", pattern: { Regex: "(?<!\\n)(?<!^) $| {2,}" }, content: "▁" },
        ],
      },
    }),
    "Unigram with bytes": unigram(
      {
        decoder: { type: "Sequence", decoders: [{ type: "ByteFallback" }, metaspace()] },
      },
      { byte_fallback: true },
      bytes256,
    ),
    BERT: wordPiece({}, true),
    "DistilBERT, cased": wordPiece({}, false),
    "BERT, Chinese": wordPiece(
      {
        added_tokens: [
          added(4, "[MASK]", { lstrip: true, rstrip: true }),
          added(1, "[UNK]", { single_word: true }),
        ],
      },
      true,
    ),
    "word pieces behind Whitespace": wordPiece(
      { pre_tokenizer: { type: "Whitespace" }, normalizer: null },
      false,
    ),
    WordLevel: wordLevel(),
    "character BPE": characterBpe(),
  };
}
