/** @module What the worker keeps for its caller: corpora, tokenizers, models and sessions by their numbers. */
import { SviError } from "../../errors.ts";
import { LanguageModel } from "../../languageModel.ts";
import type { Session } from "../../prediction/session.ts";
import { Corpus } from "../../text/corpus.ts";
import type { Tokenizer } from "../../text/types.ts";
import type { CorpusState, Handle, ModelState, SessionState, TokenizerState } from "../protocol.ts";

/** A thing that callers hold by its number: what it is called, and how it is told from others. */
interface Held<T extends object> {
  readonly name: string;
  is(object: object): object is T;
}

const CORPUS: Held<Corpus> = { name: "corpus", is: (object) => object instanceof Corpus };
const MODEL: Held<LanguageModel> = { name: "model", is: (object) => object instanceof LanguageModel };
const TOKENIZER: Held<Tokenizer> = {
  name: "tokenizer",
  is: (object): object is Tokenizer => "encode" in object,
};
const SESSION: Held<Session> = { name: "session", is: (object): object is Session => "fork" in object };

/** Each is found by its number, and throws SviError `E_OPTION` for one that stands for nothing, or another thing. */
export class Objects {
  readonly #objects = new Map<Handle, object>();
  #last = 0;

  readonly corpus = (handle: Handle): Corpus => this.#find(handle, CORPUS);
  readonly model = (handle: Handle): LanguageModel => this.#find(handle, MODEL);
  readonly tokenizer = (handle: Handle): Tokenizer => this.#find(handle, TOKENIZER);
  readonly session = (handle: Handle): Session => this.#find(handle, SESSION);

  release(handle: Handle): void {
    this.#objects.delete(handle);
  }

  keepTokenizer(tokenizer: Tokenizer): TokenizerState {
    const { kind, vocabularySize, unknown, endOfLine, lossless } = tokenizer;
    return { handle: this.#keep(tokenizer), kind, vocabularySize, unknown, endOfLine, lossless };
  }

  keepCorpus(corpus: Corpus): CorpusState {
    return { handle: this.#keep(corpus), tokens: corpus.tokens, bytes: corpus.bytes };
  }

  keepModel(model: LanguageModel): ModelState {
    const { configuration, parameters, tokenizer } = model;
    return {
      handle: this.#keep(model),
      configuration,
      parameters,
      tokenizer: this.keepTokenizer(tokenizer),
    };
  }

  keepSession(session: Session): SessionState {
    return { handle: this.#keep(session), samples: session.samples };
  }

  /** A handle of its own for everything that the caller will hold: it is released when that is out of reach. */
  #keep(object: object): Handle {
    const handle = ++this.#last;
    this.#objects.set(handle, object);
    return handle;
  }

  #find<T extends object>(handle: Handle, { name, is }: Held<T>): T {
    const found = this.#objects.get(handle);
    if (found && is(found)) return found;
    throw new SviError("E_OPTION", `The worker holds no ${name} of number ${String(handle)}`, {
      option: name,
      value: handle,
      remedy: "Give one that this connection has made, and none that was released",
    });
  }
}
