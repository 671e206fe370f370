/** @module A language model as its users hold it: created or loaded, trained, asked, saved. */

import { requireInteger, wrongOption } from "./errors.ts";
import { type BytesSource, readAll } from "./formats/bytes.ts";
import { PREDICTION } from "./kernels/calls.ts";
import { KernelInstance } from "./kernels/instance.ts";
import { type Kernels, prepareKernels } from "./kernels/kernels.ts";
import { seedOf } from "./kernels/random.ts";
import { drive } from "./kernels/slices.ts";
import { configureModel, type ModelConfiguration, type ModelOptions } from "./model/configuration.ts";
import { initialWeights } from "./model/initialise.ts";
import { type Layout, layoutOf } from "./model/layout.ts";
import { Posterior } from "./model/posterior.ts";
import { type Kinds, requireNoMore, requireOptions } from "./options.ts";
import { type GenerateOptions, generate, type Piece } from "./prediction/generate.ts";
import { type SessionOptions, session } from "./prediction/openSession.ts";
import { type Score, type ScoreOptions, score } from "./prediction/score.ts";
import {
  type ScoreAllOptions,
  scoreAll,
  type TextFailure,
  type TextScore,
  type Texts,
} from "./prediction/scoreAll.ts";
import type { Session } from "./prediction/session.ts";
import { requireTokenizer } from "./text/checks.ts";
import type { Documents } from "./text/scoring.ts";
import type { JsonTokenizerReader, Tokenizer } from "./text/types.ts";
import { hashPosterior, openModel, writeModel } from "./training/modelFile.ts";

export interface CreateOptions extends ModelOptions {
  readonly tokenizer: Tokenizer;
  /** All first values of the weights come from it. */
  readonly seed?: number;
  /** What computes the first values; the entry point's own by default. */
  readonly kernels?: Kernels;
}

export interface LoadOptions {
  /** `jsonTokenizer` of `svi-lm/tokenizers`, for models that use a tokenizer.json. */
  readonly json?: JsonTokenizerReader;
  readonly signal?: AbortSignal;
}

const CREATE: Kinds<CreateOptions> = {
  tokenizer: "any",
  cell: "string",
  embedding: "number",
  hidden: "number",
  layers: "number",
  tied: "boolean",
  softmax: "string",
  cutoffs: "object",
  attention: "any",
  seed: "number",
  kernels: "kernels",
};
const LOAD: Kinds<LoadOptions> = { json: "function", signal: "signal" };

/** embedding → LSTM × layers → output layer, with a posterior over its weights once it has been trained. */
export class LanguageModel {
  readonly posterior: Posterior;
  readonly tokenizer: Tokenizer;
  /**
   * The documents that it was trained on last, which `evaluate`, `score`, `generate` and sessions heed, and its file
   * keeps; null for texts that are one.
   */
  documents: Documents | null;

  private constructor(posterior: Posterior, tokenizer: Tokenizer, documents: Documents | null = null) {
    this.posterior = posterior;
    this.tokenizer = tokenizer;
    this.documents = documents;
  }

  /** An untrained model. @throws SviError `E_OPTION` where a size is out of range; `E_HOST` without SIMD */
  static async create(options: CreateOptions): Promise<LanguageModel> {
    requireOptions("LanguageModel.create", options, CREATE);
    const tokenizer = requireTokenizer(options.tokenizer);
    const model = configureModel(tokenizer.vocabularySize, options);
    const seed = seedOf(requireInteger("seed", options.seed ?? 1, 0, Number.MAX_SAFE_INTEGER));
    await prepareKernels(PREDICTION, options.kernels);
    const weights = initialWeights(new KernelInstance(PREDICTION, options.kernels), layoutOf(model), seed);
    return new LanguageModel(new Posterior(model, weights, null, null), tokenizer);
  }

  /**
   * Reads what `save` wrote; nothing in it is trusted.
   * @throws SviError `E_FORMAT`, `E_VERSION`, `E_TOKENIZER`, `E_VOCABULARY_MISMATCH`
   */
  static async load(source: BytesSource, options: LoadOptions = {}): Promise<LanguageModel> {
    requireOptions("LanguageModel.load", options, LOAD);
    const bytes = await readAll(source, { signal: options.signal });
    const { posterior, tokenizer, documents } = await drive(
      openModel(bytes, { json: options.json }),
      options.signal,
    );
    return new LanguageModel(posterior, tokenizer, documents);
  }

  /** Vue and its like leave it as it is: a proxy of it would have no private fields. */
  get [Symbol.toStringTag](): string {
    return "LanguageModel";
  }

  get configuration(): ModelConfiguration {
    return this.posterior.configuration;
  }

  /** Names, shapes and places of the tensors in the flat vectors of the posterior. */
  get layout(): Layout {
    return this.posterior.layout;
  }

  /** Number of trainable parameters. */
  get parameters(): number {
    return this.posterior.layout.parameters;
  }

  /** SHA-256, in hexadecimal, of mean and precision in canonical form. */
  hash(): string;
  hash(...more: unknown[]): string {
    requireNoMore("hash", more);
    return hashPosterior(this.posterior);
  }

  /** One safetensors file: mean, precision, tokenizer, configuration. */
  toBytes(): Uint8Array;
  toBytes(...more: unknown[]): Uint8Array {
    requireNoMore("toBytes", more);
    return writeModel(this);
  }

  /** Writes that file and closes the stream. */
  save(writable: WritableStream<Uint8Array>): Promise<void>;
  async save(writable: WritableStream<Uint8Array>, ...more: unknown[]): Promise<void> {
    requireNoMore("save", more);
    if (typeof writable?.getWriter !== "function")
      throw wrongOption("writable", writable, "a WritableStream");
    const writer = writable.getWriter();
    await writer.write(this.toBytes());
    await writer.close();
  }

  /** Copy of a token's embedding means, [embedding]. @throws SviError `E_OPTION` for an id out of range */
  embedding(token: number): Float32Array {
    const { vocabulary, embedding } = this.configuration;
    const at = this.layout.find("embedding.weight").offset;
    const row = at + requireInteger("token", token, 0, vocabulary - 1) * embedding;
    return this.posterior.mean.slice(row, row + embedding);
  }

  /**
   * Log-probability, entropy and mutual information of every token after the first.
   *
   * ```ts
   * const { tokens, logProbability } = await model.score("the whale", { samples: 4 });
   * console.log(logProbability / tokens.length);
   * ```
   */
  score(text: string, options?: ScoreOptions): Promise<Score>;
  async score(text: string, options?: ScoreOptions, ...more: unknown[]): Promise<Score> {
    requireNoMore("score", more);
    return score(this, text, options);
  }

  /**
   * Scores many texts side by side, each a document of its own, in the order given; common beginnings are read once.
   *
   * ```ts
   * for await (const score of model.scoreAll(lines))
   *   if (!score.error) console.log(score.index, score.logProbability);
   * ```
   *
   * @param texts an array, an iterable or a stream of strings
   */
  scoreAll(texts: Texts, options?: ScoreAllOptions): AsyncGenerator<TextScore | TextFailure, void, void>;
  scoreAll(
    texts: Texts,
    options?: ScoreAllOptions,
    ...more: unknown[]
  ): AsyncGenerator<TextScore | TextFailure, void, void> {
    requireNoMore("scoreAll", more);
    return scoreAll(this, texts, options);
  }

  /**
   * Opens a reader that stays: text goes in as it is typed, what may come next comes out. Sessions share the weights.
   *
   * ```ts
   * const session = await model.session();
   * await session.read("the wh");
   * console.log(session.top(3).tokens, await session.complete({ count: 3 }));
   * ```
   */
  session(options?: SessionOptions): Promise<Session>;
  session(options?: SessionOptions, ...more: unknown[]): Promise<Session> {
    requireNoMore("session", more);
    return session(this, options);
  }

  /**
   * Text that continues a prompt, piece by piece.
   *
   * ```ts
   * for await (const { text } of model.generate({ prompt: "the ", tokens: 20 })) console.log(text);
   * ```
   */
  generate(options?: GenerateOptions): AsyncGenerator<Piece, void, void>;
  generate(options?: GenerateOptions, ...more: unknown[]): AsyncGenerator<Piece, void, void> {
    requireNoMore("generate", more);
    return generate(this, options);
  }

  /** Gives the memory back; every later use throws. @throws SviError `E_BUSY` while it is being trained */
  dispose(): void {
    this.posterior.dispose();
  }
}
