/** @module What a worker does for its caller: svi-lm behind a channel. */
import { SviError } from "../errors.ts";
import { evaluate } from "../evaluation/evaluate.ts";
import { importModel } from "../importModel.ts";
import { packageVersion } from "../kernels/generated/identity.ts";
import { useKernels } from "../kernels/kernels.ts";
import { loadKernels } from "../kernels/load.ts";
import { LanguageModel } from "../languageModel.ts";
import type { TextFailure, TextScore } from "../prediction/scoreAll.ts";
import type { Session } from "../prediction/session.ts";
import { Corpus } from "../text/corpus.ts";
import { learnTokenizer } from "../text/learn.ts";
import type { TextSource } from "../text/source.ts";
import { byteTokenizer, tokenizerFromDescription } from "../text/tokenizer.ts";
import type { JsonTokenizerReader, Tokenizer } from "../text/types.ts";
import { adaptInTurn } from "../training/adapt.ts";
import { type FitOptions, fitInTurn } from "../training/fit.ts";
import { learner } from "../training/learner.ts";
import { checkingArguments } from "./arguments.ts";
import { type Channel, type Endpoint, move, openChannel } from "./channel.ts";
import type {
  Callback,
  CallerFunctions,
  CorpusState,
  Handle,
  Job,
  ModelState,
  ThreadFunctions,
  TokenizerState,
  WireAdaptOptions,
  WireFitOptions,
  WireSource,
  WireTextScore,
  WireTokenizer,
} from "./protocol.ts";
import { Turns } from "./turns.ts";
import { toWire } from "./wire.ts";

export interface ServeOptions {
  /** `jsonTokenizer` of `svi-lm/tokenizers`, for models that use a tokenizer.json. */
  readonly json?: JsonTokenizerReader;
}

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

interface Run {
  readonly turns: Turns<unknown>;
  readonly controller: AbortController;
}

/** Serves whoever is at the other end. */
export function serveAt(endpoint: Endpoint, options: ServeOptions): void {
  const server = new Server(options);
  server.caller = openChannel<CallerFunctions>(endpoint, checkingArguments(server.functions()));
  server.caller.tell("ready");
}

class Server {
  caller!: Channel<CallerFunctions>;
  readonly #json: JsonTokenizerReader | undefined;
  readonly #objects = new Map<Handle, object>();
  readonly #jobs = new Map<Job, AbortController>();
  readonly #runs = new Map<Job, Run>();
  #last = 0;
  #held: Promise<boolean> | undefined;

  constructor({ json }: ServeOptions) {
    this.#json = json;
  }

  functions(): ThreadFunctions {
    return {
      ...this.#texts(),
      ...this.#models(),
      ...this.#work(),
      ...this.#sessions(),
      hello: async ({ lock, kernels }) => {
        this.#held ??= lock ? hold(lock) : Promise.resolve(false);
        const held = await this.#held;
        if (kernels) useKernels(await loadKernels(kernels));
        return { version: packageVersion, held };
      },
      abort: (job) => {
        (this.#jobs.get(job) ?? this.#runs.get(job)?.controller)?.abort();
      },
      release: (handle) => {
        this.#objects.delete(handle);
      },
    };
  }

  #texts(): Pick<
    ThreadFunctions,
    | "openCorpus"
    | "corpusOfTokens"
    | "sliceCorpus"
    | "splitCorpus"
    | "fingerprint"
    | "learnTokenizer"
    | "encode"
    | "decode"
    | "continueText"
    | "describe"
  > {
    const corpusOf = (handle: Handle) => this.#find(handle, CORPUS);
    const tokenizerOf = (handle: Handle) => this.#find(handle, TOKENIZER);
    const whole = (corpus: Corpus) => ({
      ...this.#corpusState(corpus),
      tokenizer: this.#tokenizerState(corpus.tokenizer),
    });
    return {
      openCorpus: (job, source, { tokenizer, ...options }) =>
        this.#heeding(job, async (signal) => {
          const own =
            tokenizer === "character" || tokenizer === "word" ? tokenizer : this.#tokenizer(tokenizer);
          const texts = source.map((one) => this.#source(one));
          return whole(await Corpus.open(texts, { ...options, tokenizer: own, signal }));
        }),
      corpusOfTokens: (ids, tokenizer) => whole(Corpus.fromTokens(ids, this.#tokenizer(tokenizer))),
      sliceCorpus: (corpus, from, to) => this.#corpusState(corpusOf(corpus).slice(from, to)),
      splitCorpus: (corpus, fractions) =>
        corpusOf(corpus)
          .split(fractions)
          .map((part) => this.#corpusState(part)),
      fingerprint: (corpus) => corpusOf(corpus).fingerprint(),
      learnTokenizer: (job, source, options) =>
        this.#heeding(job, async (signal) => {
          const texts = source.map((one) => this.#source(one));
          return this.#tokenizerState(await learnTokenizer(texts, { ...options, signal }));
        }),
      encode: (tokenizer, text) => {
        const ids = tokenizerOf(tokenizer).encode(text);
        return move(ids, ids.buffer);
      },
      decode: (tokenizer, ids) => tokenizerOf(tokenizer).decode(ids),
      continueText: (tokenizer, before, ids) => tokenizerOf(tokenizer).continue(before, ids),
      describe: (tokenizer) => tokenizerOf(tokenizer).describe(),
    };
  }

  #models(): Pick<
    ThreadFunctions,
    | "createModel"
    | "loadModel"
    | "importModel"
    | "toBytes"
    | "hash"
    | "embedding"
    | "posterior"
    | "disposeModel"
  > {
    const modelOf = (handle: Handle) => this.#find(handle, MODEL);
    return {
      createModel: async ({ tokenizer, ...options }) =>
        this.#modelState(await LanguageModel.create({ ...options, tokenizer: this.#tokenizer(tokenizer) })),
      loadModel: (job, source) =>
        this.#heeding(job, async (signal) =>
          this.#modelState(await LanguageModel.load(source, { json: this.#json, signal })),
        ),
      importModel: (job, source, { tokenizer, ...options }) =>
        this.#heeding(job, async (signal) => {
          const own = this.#tokenizer(tokenizer);
          return this.#modelState(await importModel(source, { ...options, tokenizer: own, signal }));
        }),
      toBytes: (model) => {
        const bytes = modelOf(model).toBytes();
        return move(bytes, bytes.buffer);
      },
      hash: (model) => modelOf(model).hash(),
      embedding: (model, token) => modelOf(model).embedding(token),
      posterior: (model) => {
        const { mean, precision, lambda } = modelOf(model).posterior;
        const copy = { mean: mean.slice(), precision: precision?.slice() ?? null, lambda };
        return move(copy, copy.mean.buffer, copy.precision?.buffer);
      },
      disposeModel: (model) => modelOf(model).dispose(),
    };
  }

  #work(): Pick<
    ThreadFunctions,
    "evaluate" | "score" | "beginFit" | "beginAdapt" | "beginGenerate" | "next" | "close"
  > {
    const modelOf = (handle: Handle) => this.#find(handle, MODEL);
    const corpusOf = (handle: Handle) => this.#find(handle, CORPUS);
    return {
      evaluate: (job, model, corpus, options) =>
        this.#heeding(job, (signal) => evaluate(modelOf(model), corpusOf(corpus), { ...options, signal })),
      score: (job, model, text, options) =>
        this.#heeding(job, (signal) => modelOf(model).score(text, { ...options, signal })),
      beginFit: (job, model, corpus, options) =>
        this.#begin(job, (signal, turn) =>
          fitInTurn(modelOf(model), corpusOf(corpus), { ...this.#fitOptions(options), signal }, turn),
        ),
      beginAdapt: (job, model, corpus, { past, rehearse, ...options }) =>
        this.#begin(job, (signal, turn) => {
          // What is not a list is for adapt to refuse.
          const learnt = Array.isArray(past)
            ? past.map((one) => modelOf(one).posterior)
            : (past as undefined);
          const own = {
            ...this.#fitOptions(options),
            past: learnt,
            rehearse: rehearse === undefined ? undefined : corpusOf(rehearse),
            signal,
          };
          return adaptInTurn(modelOf(model), corpusOf(corpus), own, turn);
        }),
      beginGenerate: (job, model, options) =>
        this.#begin(job, (signal) => modelOf(model).generate({ ...options, signal })),
      next: (job) => this.#next(job),
      close: (job, leaving) => this.#close(job, leaving),
    };
  }

  /** Options of a run, with what they name by its number. */
  #fitOptions<O extends WireFitOptions | WireAdaptOptions>({ validation, checkpoint, ...options }: O) {
    const own: Pick<FitOptions, "validation" | "checkpoint"> = {
      validation: validation && { ...validation, corpus: this.#find(validation.corpus, CORPUS) },
      checkpoint: checkpoint && {
        every: checkpoint.every,
        save: async (bytes) => {
          await this.caller.call("callback", checkpoint.save, move(bytes, bytes.buffer));
        },
      },
    };
    return { ...options, ...own };
  }

  #sessions(): Pick<
    ThreadFunctions,
    "beginScoreAll" | "openSession" | (`session${string}` & keyof ThreadFunctions)
  > {
    const modelOf = (handle: Handle) => this.#find(handle, MODEL);
    const sessionOf = (handle: Handle) => this.#find(handle, SESSION);
    const stateOf = (session: Session) => ({ handle: this.#keep(session), samples: session.samples });
    return {
      beginScoreAll: (job, model, pull, options) =>
        this.#begin(job, (signal) =>
          wireScores(modelOf(model).scoreAll(this.#textsOf(pull), { ...options, signal })),
        ),
      openSession: async (model, { learner: described, ...options }) => {
        // What is not a learner is for the session to refuse.
        const own = described?.kind === "learner" ? learner(described.options) : (described as undefined);
        return stateOf(await modelOf(model).session({ ...options, learner: own }));
      },
      sessionRead: (session, text) => sessionOf(session).read(text),
      sessionWord: (session) => sessionOf(session).word,
      sessionTop: (session, count) => sessionOf(session).top(count),
      sessionDistribution: (session) => {
        const found = sessionOf(session).distribution();
        return move(found, found.probabilities.buffer);
      },
      sessionComplete: (job, session, options) =>
        this.#heeding(job, (signal) => sessionOf(session).complete({ ...options, signal })),
      sessionLearn: (job, session, options) =>
        this.#heeding(job, (signal) => sessionOf(session).learn({ ...options, signal })),
      sessionLearntBytes: async (session) => {
        const bytes = await sessionOf(session).learntBytes();
        return move(bytes, bytes.buffer);
      },
      sessionFork: (session) => stateOf(sessionOf(session).fork()),
      sessionBytes: (session) => {
        const bytes = sessionOf(session).toBytes();
        return move(bytes, bytes.buffer);
      },
      sessionDispose: (session) => sessionOf(session).dispose(),
    };
  }

  /** The caller's texts, asked for some at a time. */
  async *#textsOf(pull: Callback): AsyncGenerator<string, void, void> {
    for (;;) {
      const some = (await this.caller.call("callback", pull)) as string[] | null;
      if (!some) return;
      yield* some;
    }
  }

  #begin(
    job: Job,
    start: (signal: AbortSignal, turn: () => Promise<boolean>) => AsyncIterator<unknown, void, void>,
  ): void {
    const turns = new Turns<unknown>();
    const controller = new AbortController();
    this.#runs.set(job, { controller, turns: turns.run(start(controller.signal, turns.turn)) });
  }

  async #next(job: Job): Promise<unknown> {
    let value: unknown;
    try {
      value = await this.#running(job).turns.next();
      return value;
    } finally {
      if (value === undefined) this.#runs.delete(job);
    }
  }

  async #close(job: Job, leaving: boolean): Promise<void> {
    const { turns, controller } = this.#running(job);
    this.#runs.delete(job);
    // Whoever leaves does not wait for a gradient that nobody wants.
    if (leaving) controller.abort();
    try {
      await turns.end();
    } catch (error) {
      if (!leaving) throw error;
    }
  }

  async #heeding<T>(job: Job, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    this.#jobs.set(job, controller);
    try {
      return await work(controller.signal);
    } finally {
      this.#jobs.delete(job);
    }
  }

  #source(source: WireSource): TextSource {
    if (typeof source !== "object" || source === null || !("read" in source)) return source;
    const { size, read } = source;
    return {
      size,
      read: (start, end) => this.caller.call("callback", read, start, end) as Promise<Uint8Array>,
    };
  }

  #tokenizer(tokenizer: Exclude<WireTokenizer, "character" | "word">): Tokenizer;
  #tokenizer(tokenizer: WireTokenizer): Tokenizer;
  #tokenizer(tokenizer: WireTokenizer): Tokenizer {
    if (tokenizer === "byte") return byteTokenizer();
    if (typeof tokenizer === "object" && tokenizer !== null && "handle" in tokenizer)
      return this.#find(tokenizer.handle, TOKENIZER);
    if (typeof tokenizer === "object") return tokenizerFromDescription(tokenizer, { json: this.#json });
    throw new SviError("E_OPTION", `The tokenizer is ${String(tokenizer)}`, {
      value: tokenizer,
      remedy: 'Give a tokenizer, or "byte"; "character" and "word" are learnt by Corpus.open',
    });
  }

  /** A handle of its own for everything that the caller will hold: it is released when that is out of reach. */
  #keep(object: object): Handle {
    const handle = ++this.#last;
    this.#objects.set(handle, object);
    return handle;
  }

  /** @throws SviError `E_OPTION` for what this worker does not hold, or holds as another thing */
  #find<T extends object>(handle: Handle, { name, is }: Held<T>): T {
    const found = this.#objects.get(handle);
    if (found && is(found)) return found;
    throw new SviError("E_OPTION", `The worker holds no ${name} of number ${String(handle)}`, {
      option: name,
      value: handle,
      remedy: "Give one that this connection has made, and none that was released",
    });
  }

  #running(job: Job): Run {
    const run = this.#runs.get(job);
    if (run) return run;
    throw new SviError("E_OPTION", `The worker runs no job of number ${String(job)}`, {
      option: "job",
      value: job,
      remedy: "Begin it first; at its end it is forgotten",
    });
  }

  #tokenizerState(tokenizer: Tokenizer): TokenizerState {
    const { kind, vocabularySize, unknown, endOfLine, lossless } = tokenizer;
    return { handle: this.#keep(tokenizer), kind, vocabularySize, unknown, endOfLine, lossless };
  }

  #corpusState(corpus: Corpus): CorpusState {
    return { handle: this.#keep(corpus), tokens: corpus.tokens, bytes: corpus.bytes };
  }

  #modelState(model: LanguageModel): ModelState {
    const { configuration, parameters, tokenizer } = model;
    return {
      handle: this.#keep(model),
      configuration,
      parameters,
      tokenizer: this.#tokenizerState(tokenizer),
    };
  }
}

async function* wireScores(
  scores: AsyncIterable<TextScore | TextFailure>,
): AsyncGenerator<WireTextScore, void, void> {
  for await (const found of scores)
    yield found.error === null ? found : { index: found.index, failure: toWire(found.error) };
}

/** Milliseconds that a lock of a name of its own may take. */
const LOCK_PATIENCE = 2000;

/** Holds a lock for as long as this worker lives; resolves once it does, or the host is known not to allow it. */
function hold(lock: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = async () =>
      navigator.locks.request(lock, () => {
        resolve(true);
        return new Promise(() => {});
      });
    // Sandboxed frames have no locks; where a page's data is blocked, asking for one fails.
    request().catch(() => resolve(false));
    setTimeout(() => resolve(false), LOCK_PATIENCE);
  });
}
