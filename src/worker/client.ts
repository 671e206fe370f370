/** @module svi-lm as the caller of a worker holds it: the same names, handles in place of what lives in the worker. */
import { wrongOption } from "../errors.ts";
import type { EvaluateOptions } from "../evaluation/evaluate.ts";
import type { Evaluation } from "../evaluation/tally.ts";
import { type BytesSource, readAll } from "../formats/bytes.ts";
import type { ImportOptions } from "../importModel.ts";
import type { CreateOptions } from "../languageModel.ts";
import type { ModelConfiguration } from "../model/configuration.ts";
import { requireList } from "../options.ts";
import type { GenerateOptions, Piece } from "../prediction/generate.ts";
import type { Score, ScoreOptions } from "../prediction/score.ts";
import type { ScoreAllOptions, TextFailure, TextScore, Texts } from "../prediction/scoreAll.ts";
import type { SessionOptions } from "../prediction/session.ts";
import { bytesIn, isBlob, memoryOf } from "../shapes.ts";
import type { CorpusOptions } from "../text/corpus.ts";
import type { LearnOptions } from "../text/learn.ts";
import type { ByteSource, TextSource } from "../text/source.ts";
import type { Tokenizer, TokenizerDescription } from "../text/types.ts";
import type { AdaptOptions } from "../training/adapt.ts";
import type { FitOptions, StepRecord, Validation } from "../training/fit.ts";
import { move } from "./channel.ts";
import type { Connection } from "./connection.ts";
import type {
  Callback,
  CorpusState,
  ModelState,
  PosteriorState,
  TokenizerState,
  WireAdaptOptions,
  WireFitOptions,
  WireSource,
  WireTokenizer,
} from "./protocol.ts";
import { CONNECTION, HANDLE, handleOf, iterate, Remote } from "./remote.ts";
import { scoreAll, type WorkerLearner, WorkerSession } from "./session.ts";

/** A tokenizer of the worker's, one of svi-lm's own, or the name of one. */
export type AnyTokenizer = WorkerTokenizer | Tokenizer | "byte";

export type WorkerCorpusOptions = Omit<CorpusOptions, "tokenizer"> & {
  readonly tokenizer: AnyTokenizer | "character" | "word";
};
export type WorkerCreateOptions = Omit<CreateOptions, "tokenizer" | "kernels"> & {
  readonly tokenizer: AnyTokenizer;
};
export type WorkerImportOptions = Omit<ImportOptions, "tokenizer" | "kernels"> & {
  readonly tokenizer: AnyTokenizer;
};
export type WorkerFitOptions = Omit<FitOptions, "validation" | "kernels"> & {
  readonly validation?: Omit<Validation, "corpus"> & { readonly corpus: WorkerCorpus };
};
export type WorkerAdaptOptions = Omit<WorkerFitOptions, "inference"> &
  Omit<AdaptOptions, keyof FitOptions | "past" | "rehearse"> & {
    /** Models of the worker's, in place of their posteriors. */
    readonly past?: readonly WorkerLanguageModel[];
    readonly rehearse?: WorkerCorpus;
  };
export type WorkerEvaluateOptions = Omit<EvaluateOptions, "kernels">;
export type WorkerScoreOptions = Omit<ScoreOptions, "kernels">;
export type WorkerScoreAllOptions = Omit<ScoreAllOptions, "kernels" | "background">;
export type WorkerSessionOptions = Omit<SessionOptions, "kernels" | "learner"> & {
  /** `learner()` of svi-lm/worker. */
  readonly learner?: WorkerLearner;
};
export type WorkerGenerateOptions = Omit<GenerateOptions, "kernels">;

/** A tokenizer in the worker. */
export class WorkerTokenizer extends Remote {
  readonly kind: Tokenizer["kind"];
  readonly vocabularySize: number;
  readonly unknown: number | null;
  readonly endOfLine: number | null;
  readonly lossless: boolean;

  constructor(connection: Connection, state: TokenizerState) {
    super(connection, state.handle);
    this.kind = state.kind;
    this.vocabularySize = state.vocabularySize;
    this.unknown = state.unknown;
    this.endOfLine = state.endOfLine;
    this.lossless = state.lossless;
  }

  encode(text: string): Promise<Int32Array> {
    return this[CONNECTION].call("encode", this[HANDLE], text);
  }

  decode(ids: ArrayLike<number>): Promise<string> {
    return this[CONNECTION].call("decode", this[HANDLE], Int32Array.from(requireList(ids)));
  }

  /** The text that `ids` add behind the tokens `before`. */
  continue(before: ArrayLike<number>, ids: ArrayLike<number>): Promise<string> {
    const own = this[HANDLE];
    return this[CONNECTION].call(
      "continueText",
      own,
      Int32Array.from(requireList(before)),
      Int32Array.from(requireList(ids)),
    );
  }

  /** What `tokenizerFromDescription` of svi-lm turns into a tokenizer on this side. */
  describe(): Promise<TokenizerDescription> {
    return this[CONNECTION].call("describe", this[HANDLE]);
  }
}

function wireTokenizer(
  connection: Connection,
  tokenizer: AnyTokenizer | "character" | "word",
): WireTokenizer {
  if (tokenizer instanceof WorkerTokenizer) return { handle: handleOf(connection, tokenizer) };
  if (typeof tokenizer === "string") return tokenizer;
  if (typeof tokenizer?.describe === "function") return tokenizer.describe();
  throw wrongOption("tokenizer", tokenizer, 'a tokenizer, or "byte", "character" or "word"');
}

/** A corpus in the worker. */
export class WorkerCorpus extends Remote {
  readonly tokenizer: WorkerTokenizer;
  /** Number of tokens. */
  readonly tokens: number;
  /** Length of the text in bytes of UTF-8. */
  readonly bytes: number;
  /** Sources that the worker reads through this side, kept as long as a corpus needs them. */
  readonly #sources: unknown;

  constructor(connection: Connection, state: CorpusState, tokenizer: WorkerTokenizer, sources: unknown) {
    super(connection, state.handle);
    this.tokenizer = tokenizer;
    this.tokens = state.tokens;
    this.bytes = state.bytes;
    this.#sources = sources;
  }

  /** Hash of the token ids, 16 hexadecimal digits. */
  fingerprint(): Promise<string> {
    return this[CONNECTION].call("fingerprint", this[HANDLE]);
  }

  /** The tokens `from … to − 1` as a corpus of their own. */
  async slice(from: number, to?: number): Promise<WorkerCorpus> {
    return this.#part(await this[CONNECTION].call("sliceCorpus", this[HANDLE], from, to));
  }

  /** Consecutive parts, each with its fraction of the tokens. */
  async split(fractions: readonly number[]): Promise<WorkerCorpus[]> {
    const states = await this[CONNECTION].call("splitCorpus", this[HANDLE], fractions);
    return states.map((state) => this.#part(state));
  }

  #part(state: CorpusState): WorkerCorpus {
    return new WorkerCorpus(this[CONNECTION], state, this.tokenizer, this.#sources);
  }
}

/** A language model in the worker: what is read from its weights is a promise, the rest is as in svi-lm. */
export class WorkerLanguageModel extends Remote {
  readonly tokenizer: WorkerTokenizer;
  readonly configuration: ModelConfiguration;
  /** Number of trainable parameters. */
  readonly parameters: number;

  constructor(connection: Connection, state: ModelState) {
    super(connection, state.handle);
    this.tokenizer = new WorkerTokenizer(connection, state.tokenizer);
    this.configuration = state.configuration;
    this.parameters = state.parameters;
  }

  /** SHA-256, in hexadecimal, of mean and precision in canonical form. */
  hash(): Promise<string> {
    return this[CONNECTION].call("hash", this[HANDLE]);
  }

  /** One safetensors file: mean, precision, tokenizer, configuration. Moved here, not copied. */
  toBytes(): Promise<Uint8Array> {
    return this[CONNECTION].call("toBytes", this[HANDLE]);
  }

  /** Writes that file and closes the stream. */
  async save(writable: WritableStream<Uint8Array>): Promise<void> {
    const writer = writable.getWriter();
    await writer.write(await this.toBytes());
    await writer.close();
  }

  /** A token's embedding means, [embedding]. */
  embedding(token: number): Promise<Float32Array> {
    return this[CONNECTION].call("embedding", this[HANDLE], token);
  }

  /** Copies of the flat vectors of means and precisions. */
  posterior(): Promise<PosteriorState> {
    return this[CONNECTION].call("posterior", this[HANDLE]);
  }

  /** Log-probability, entropy and mutual information of every token after the first. */
  score(text: string, options: WorkerScoreOptions = {}): Promise<Score> {
    const { signal, ...rest } = options;
    return this[CONNECTION].abortable(signal, "score", this[HANDLE], text, rest);
  }

  /**
   * Scores many texts side by side, in the order given; the worker asks for them as it needs them.
   * @throws what `scoreAll` of svi-lm does
   */
  scoreAll(
    texts: Texts,
    options: WorkerScoreAllOptions = {},
  ): AsyncGenerator<TextScore | TextFailure, void, void> {
    return scoreAll(this[CONNECTION], this[HANDLE], texts, options);
  }

  /** Opens a session in the worker. @throws what `session` of svi-lm does */
  async session(options: WorkerSessionOptions = {}): Promise<WorkerSession> {
    const connection = this[CONNECTION];
    return new WorkerSession(connection, await connection.call("openSession", this[HANDLE], options));
  }

  /** Text that continues a prompt, piece by piece; the worker is at most one piece ahead. */
  generate(options: WorkerGenerateOptions = {}): AsyncGenerator<Piece, void, void> {
    const connection = this[CONNECTION];
    const { signal, ...rest } = options;
    return iterate(connection, signal, (job) => connection.call("beginGenerate", job, this[HANDLE], rest));
  }

  /** Gives the memory back; every later use throws. @throws SviError `E_BUSY` while it is being trained */
  dispose(): Promise<void> {
    return this[CONNECTION].call("disposeModel", this[HANDLE]);
  }
}

/** svi-lm in a worker. Everything of it lives until `terminate`, or until nothing here refers to it. */
export class WorkerClient {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Vue and its like leave it as it is: a proxy of it would have no private fields. */
  get [Symbol.toStringTag](): string {
    return "WorkerClient";
  }

  readonly LanguageModel = {
    /** An untrained model. @throws SviError `E_OPTION` where a size is out of range */
    create: async ({ tokenizer, ...options }: WorkerCreateOptions): Promise<WorkerLanguageModel> => {
      const wire = { ...options, tokenizer: wireTokenizer(this.#connection, tokenizer) };
      return new WorkerLanguageModel(this.#connection, await this.#connection.call("createModel", wire));
    },

    /**
     * Reads what `save` wrote. Bytes are copied over, a Blob is not; of a response or a stream they are read here.
     * @throws SviError `E_FORMAT`, `E_VERSION`, `E_TOKENIZER`, `E_VOCABULARY_MISMATCH`
     */
    load: async (
      source: BytesSource,
      { signal }: { readonly signal?: AbortSignal } = {},
    ): Promise<WorkerLanguageModel> => {
      const bytes = await wireBytes(source, signal);
      return new WorkerLanguageModel(
        this.#connection,
        await this.#connection.abortable(signal, "loadModel", bytes),
      );
    },
  };

  /**
   * A model from a safetensors file of PyTorch's, as `importModel` of svi-lm makes it.
   * @throws SviError `E_FORMAT`, `E_VOCABULARY_MISMATCH`
   */
  readonly importModel = async (
    source: BytesSource,
    { tokenizer, signal, ...options }: WorkerImportOptions,
  ): Promise<WorkerLanguageModel> => {
    const wire = { ...options, tokenizer: wireTokenizer(this.#connection, tokenizer) };
    const bytes = await wireBytes(source, signal);
    const state = await this.#connection.abortable(signal, "importModel", bytes, wire);
    return new WorkerLanguageModel(this.#connection, state);
  };

  readonly Corpus = {
    /** Reads a text; a Blob or a file is read by the worker piece by piece. @throws what `Corpus.open` of svi-lm does */
    open: async (
      source: TextSource | readonly TextSource[],
      { tokenizer, signal, ...options }: WorkerCorpusOptions,
    ): Promise<WorkerCorpus> => {
      const { wire, sources } = this.#wireSources(source);
      const { tokenizer: state, ...corpus } = await this.#connection.abortable(signal, "openCorpus", wire, {
        ...options,
        tokenizer: wireTokenizer(this.#connection, tokenizer),
      });
      const known =
        tokenizer instanceof WorkerTokenizer ? tokenizer : new WorkerTokenizer(this.#connection, state);
      return new WorkerCorpus(this.#connection, corpus, known, sources);
    },

    /** A corpus of tokens that are at hand already. */
    fromTokens: async (ids: ArrayLike<number>, tokenizer: AnyTokenizer): Promise<WorkerCorpus> => {
      const wire = wireTokenizer(this.#connection, tokenizer);
      const copy = Int32Array.from(requireList(ids));
      const { tokenizer: state, ...corpus } = await this.#connection.call(
        "corpusOfTokens",
        move(copy, copy.buffer),
        wire,
      );
      return new WorkerCorpus(this.#connection, corpus, new WorkerTokenizer(this.#connection, state), null);
    },
  };

  /** A character or word tokenizer with the vocabulary of a text. */
  readonly learnTokenizer = async (
    source: TextSource | readonly TextSource[],
    { signal, ...options }: LearnOptions,
  ): Promise<WorkerTokenizer> => {
    const { wire, sources } = this.#wireSources(source);
    const state = await this.#connection.abortable(signal, "learnTokenizer", wire, options);
    for (const { callback } of sources) this.#connection.forget(callback);
    return new WorkerTokenizer(this.#connection, state);
  };

  /**
   * Trains a model in place, one record an update, pulled from here. While a record is being looked at, the worker
   * makes the gradient of the next step; the weights wait, so that leaving the loop keeps exactly the steps seen.
   * `checkpoint.save` and `until` run on this side; a checkpoint is saved before the run continues.
   *
   * @throws what `fit` of svi-lm does; SviError `E_WORKER` where the worker dies
   */
  readonly fit = (
    model: WorkerLanguageModel,
    corpus: WorkerCorpus,
    options: WorkerFitOptions = {},
  ): AsyncGenerator<StepRecord, void, void> => this.#run("beginFit", model, corpus, options);

  /**
   * Trains a model further, with what it learnt as the prior: pulled from here and left like `fit`.
   * @throws what `adapt` of svi-lm does; SviError `E_WORKER` where the worker dies
   */
  readonly adapt = (
    model: WorkerLanguageModel,
    corpus: WorkerCorpus,
    { past, rehearse, ...options }: WorkerAdaptOptions = {},
  ): AsyncGenerator<StepRecord, void, void> => {
    // What is not a list is for the worker to refuse.
    const learnt = Array.isArray(past)
      ? past.map((one) => handleOf(this.#connection, one))
      : (past as undefined);
    return this.#run("beginAdapt", model, corpus, options, {
      past: learnt,
      rehearse: rehearse && handleOf(this.#connection, rehearse),
    });
  };

  /** @param more options that are the same on both sides */
  async *#run(
    begin: "beginFit" | "beginAdapt",
    model: WorkerLanguageModel,
    corpus: WorkerCorpus,
    { signal, until, validation, checkpoint, ...rest }: WorkerFitOptions,
    more: Pick<WireAdaptOptions, "past" | "rehearse"> = {},
  ): AsyncGenerator<StepRecord, void, void> {
    const connection = this.#connection;
    /** What `save` threw, as it is on this side. */
    let failure: { readonly error: unknown } | undefined;
    const save = connection.keep(async (bytes: Uint8Array) => {
      try {
        await checkpoint!.save(bytes);
      } catch (error) {
        failure = { error };
        throw error;
      }
    });
    const options: WireFitOptions & WireAdaptOptions = {
      ...rest,
      ...more,
      validation: validation && { ...validation, corpus: handleOf(connection, validation.corpus) },
      checkpoint: checkpoint && { every: checkpoint.every, save },
    };
    const handles = [handleOf(connection, model), handleOf(connection, corpus)] as const;
    try {
      yield* iterate(connection, signal, (job) => connection.call(begin, job, ...handles, options), until);
    } catch (error) {
      throw failure ? failure.error : error;
    } finally {
      connection.forget(save);
    }
  }

  /** Scores a corpus, also while a run trains the model: with the weights of the last step that was taken. */
  readonly evaluate = async (
    model: WorkerLanguageModel,
    corpus: WorkerCorpus,
    options: WorkerEvaluateOptions = {},
  ): Promise<Evaluation> => {
    const { signal, ...rest } = options;
    const handles = [handleOf(this.#connection, model), handleOf(this.#connection, corpus)] as const;
    return this.#connection.abortable(signal, "evaluate", ...handles, rest);
  };

  /** Ends the worker at once: everything of it is gone, and what still waits throws `E_WORKER`. */
  readonly terminate = (): void => this.#connection.terminate();

  #wireSources(source: TextSource | readonly TextSource[]): { wire: WireSource[]; sources: Kept[] } {
    const sources: Kept[] = [];
    const wire = [source].flat().map((one): WireSource => {
      const text = one as TextSource;
      if (typeof text === "string" || isBlob(text)) return text;
      const bytes = bytesIn(text);
      if (bytes) return bytes;
      const { size, read } = (text ?? {}) as Partial<ByteSource>;
      if (typeof read !== "function" || typeof size !== "number") return text as never;
      const callback = this.#connection.keep((start: number, end: number) =>
        (text as ByteSource).read(start, end),
      );
      sources.push({ callback, text });
      return { size, read: callback };
    });
    return { wire, sources };
  }
}

interface Kept {
  readonly callback: Callback;
  readonly text: TextSource;
}

async function wireBytes(
  source: BytesSource,
  signal?: AbortSignal,
): Promise<Uint8Array | ArrayBuffer | Blob> {
  const memory = memoryOf(source);
  if (memory) return memory;
  if (isBlob(source)) return source;
  const bytes = await readAll(source, { signal });
  return move(bytes, bytes.buffer);
}
