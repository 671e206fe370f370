/** @module A corpus of the worker's. */
import type { CorpusOptions } from "../text/corpus.ts";
import type { Connection } from "./connection.ts";
import type { CorpusState } from "./protocol.ts";
import { CONNECTION, HANDLE, Remote } from "./remote.ts";
import type { AnyTokenizer, WorkerTokenizer } from "./tokenizer.ts";

export type WorkerCorpusOptions = Omit<CorpusOptions, "tokenizer"> & {
  readonly tokenizer: AnyTokenizer | "character" | "word";
};

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
