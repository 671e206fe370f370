/** @module svi-lm as the caller of a worker holds it: the same names, handles in place of what lives in the worker. */
import type { Evaluation } from "../evaluation/tally.ts";
import type { BytesSource } from "../formats/bytes.ts";
import { requireList } from "../options.ts";
import type { Texts } from "../prediction/windows.ts";
import type { LearnOptions } from "../text/learn.ts";
import type { TextSource } from "../text/source.ts";
import type { StepRecord } from "../training/fit.ts";
import type {
  SourceFailure,
  TranslateAllOptions,
  TranslateOptions,
  Translation,
} from "../translation/translate.ts";
import { move } from "./channel.ts";
import type { Connection } from "./connection.ts";
import { WorkerCorpus, type WorkerCorpusOptions } from "./corpus.ts";
import { answers } from "./many.ts";
import { type WorkerCreateOptions, type WorkerImportOptions, WorkerLanguageModel } from "./model.ts";
import { handleOf } from "./remote.ts";
import { pull, type WorkerAdaptOptions, type WorkerEvaluateOptions, type WorkerFitOptions } from "./runs.ts";
import { wireBytes, wireSources } from "./sources.ts";
import { type AnyTokenizer, WorkerTokenizer, wireTokenizer } from "./tokenizer.ts";

export type WorkerTranslateOptions = Omit<TranslateOptions, "kernels">;
export type WorkerTranslateAllOptions = Omit<TranslateAllOptions, "kernels">;

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
      const { wire, sources } = wireSources(this.#connection, source);
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
    const { wire, sources } = wireSources(this.#connection, source);
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
  ): AsyncGenerator<StepRecord, void, void> => pull(this.#connection, "beginFit", model, corpus, options);

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
    return pull(this.#connection, "beginAdapt", model, corpus, options, {
      past: learnt,
      rehearse: rehearse && handleOf(this.#connection, rehearse),
    });
  };

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

  /**
   * Translates a source by a model of pairs, as `translate` of svi-lm/translation does.
   * @throws what that does
   */
  readonly translate = async (
    model: WorkerLanguageModel,
    source: string,
    { signal, ...options }: WorkerTranslateOptions = {},
  ): Promise<Translation> =>
    this.#connection.abortable(signal, "translate", handleOf(this.#connection, model), source, options);

  /**
   * Translates sources side by side, in the order given; the worker asks for them as it needs them.
   * @throws what `translateAll` of svi-lm/translation does
   */
  readonly translateAll = (
    model: WorkerLanguageModel,
    sources: Texts,
    { signal, ...options }: WorkerTranslateAllOptions = {},
  ): AsyncGenerator<Translation | SourceFailure, void, void> =>
    answers<Translation>(this.#connection, sources, signal, async (job, pull) =>
      this.#connection.call("beginTranslateAll", job, handleOf(this.#connection, model), pull, options),
    );

  /** Ends the worker at once: everything of it is gone, and what still waits throws `E_WORKER`. */
  readonly terminate = (): void => this.#connection.terminate();
}
