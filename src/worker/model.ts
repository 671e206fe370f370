/** @module A language model of the worker's. */
import type { ImportOptions } from "../importModel.ts";
import type { CreateOptions } from "../languageModel.ts";
import type { ModelConfiguration } from "../model/configuration.ts";
import type { GenerateOptions, Piece } from "../prediction/generate.ts";
import type { SessionOptions } from "../prediction/openSession.ts";
import type { Score, ScoreOptions } from "../prediction/score.ts";
import type { ScoreAllOptions, TextFailure, TextScore, Texts } from "../prediction/scoreAll.ts";
import type { Connection } from "./connection.ts";
import { answers } from "./many.ts";
import type { ModelState, PosteriorState } from "./protocol.ts";
import { CONNECTION, HANDLE, iterate, Remote } from "./remote.ts";
import { type WorkerLearner, WorkerSession } from "./session.ts";
import { type AnyTokenizer, WorkerTokenizer } from "./tokenizer.ts";

export type WorkerCreateOptions = Omit<CreateOptions, "tokenizer" | "kernels"> & {
  readonly tokenizer: AnyTokenizer;
};
export type WorkerImportOptions = Omit<ImportOptions, "tokenizer" | "kernels"> & {
  readonly tokenizer: AnyTokenizer;
};
export type WorkerScoreOptions = Omit<ScoreOptions, "kernels">;
export type WorkerScoreAllOptions = Omit<ScoreAllOptions, "kernels" | "background" | "products">;
export type WorkerSessionOptions = Omit<SessionOptions, "kernels" | "learner"> & {
  /** `learner()` of svi-lm/worker. */
  readonly learner?: WorkerLearner;
};
export type WorkerGenerateOptions = Omit<GenerateOptions, "kernels">;

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
    { signal, ...options }: WorkerScoreAllOptions = {},
  ): AsyncGenerator<TextScore | TextFailure, void, void> {
    const connection = this[CONNECTION];
    return answers<TextScore>(connection, texts, signal, (job, pull) =>
      connection.call("beginScoreAll", job, this[HANDLE], pull, options),
    );
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
