/** @module A reader that stays: it takes text as it is typed and says what may come next, at the cost of a token. */
import { requireInteger, SviError } from "../errors.ts";
import { type Kinds, requireNoMore, requireOptions } from "../options.ts";
import { pause } from "../pause.ts";
import { requireText } from "../text/checks.ts";
import { tokenTexts } from "../text/vocabulary.ts";
import type { Cache } from "./cache.ts";
import { COMPLETE, type CompleteOptions, type Completion, complete } from "./complete.ts";
import { opening } from "./generate.ts";
import type { Learning, LearningOptions, Learnt } from "./learning.ts";
import { likeliest } from "./likeliest.ts";
import type { Model } from "./model.ts";
import { writeSession } from "./sessionBytes.ts";
import { disposedSession, fingerprintOf, type SessionForm, type SharedPredictor } from "./shared.ts";
import { type Reading, TypedText } from "./typed.ts";

const LEARN: Kinds<LearningOptions> = { steps: "number", signal: "signal" };

/** A token that may come next. */
export interface NextToken {
  readonly token: number;
  /** What it adds to the text: "" for part of a character. */
  readonly text: string;
  readonly probability: number;
}

/** What may come next; nats. */
export interface Next {
  /** The likeliest tokens, by falling probability. */
  readonly tokens: readonly NextToken[];
  readonly entropy: number;
  /** 0 for the mean alone. */
  readonly mutualInformation: number;
}

export interface Distribution {
  /** Of all ids, [vocabulary]. */
  readonly probabilities: Float32Array;
  readonly entropy: number;
  readonly mutualInformation: number;
}

/** The states that a session remembers, [stateSize] each. */
export interface SessionStates {
  /** After all that was read. */
  now: Float32Array;
  /** Before the word that is being typed. */
  word: Float32Array;
  /** At the line's beginning, where tokens may be taken back as far; else null. */
  line: Float32Array | null;
}

/** Tokens of the text before each of those states. */
export interface SessionPlaces {
  now: number;
  word: number;
  line: number;
}

/** What a session is made of. */
export interface SessionParts {
  readonly model: Model;
  readonly form: SessionForm;
  readonly predictor: SharedPredictor;
  readonly states: SessionStates;
  readonly places: SessionPlaces;
  readonly typed: TypedText;
  readonly cache: Cache | null;
  readonly learning: Learning | null;
}

/** `learn` without a learner. */
export function noLearner(problem: string): SviError {
  return new SviError("E_OPTION", problem, {
    option: "learner",
    remedy:
      'Open a session that learns: import { learner } from "svi-lm", model.session({ learner: learner() })',
  });
}

/** What `model.session()` opens; any number of them share one copy of the weights, unless they learn. */
export class Session {
  readonly samples: number;
  readonly #model: Model;
  readonly #form: SessionForm;
  readonly #predictor: SharedPredictor;
  readonly #states: SessionStates;
  readonly #places: SessionPlaces;
  readonly #typed: TypedText;
  readonly #cache: Cache | null;
  readonly #learning: Learning | null;
  /** A read or a learn under way. */
  #working: Promise<unknown> | null = null;
  #disposed = false;

  /** Not for callers: `model.session()` opens one. */
  constructor({ model, form, predictor, states, places, typed, cache, learning }: SessionParts) {
    this.samples = form.samples;
    this.#model = model;
    this.#form = form;
    this.#predictor = predictor;
    this.#states = states;
    this.#places = places;
    this.#typed = typed;
    this.#cache = cache;
    this.#learning = learning;
  }

  /** What was typed since the last space. */
  get word(): string {
    return this.#typed.word;
  }

  /**
   * Takes more text, as short as a keystroke. What follows is predicted from all that was read: two halves of a text
   * are that text. Calls that overlap are taken in their order.
   * @throws SviError `E_UNKNOWN_SYMBOL`, with nothing read; `E_DISPOSED`
   */
  read(text: string): Promise<void>;
  async read(text: string, ...more: unknown[]): Promise<void> {
    requireNoMore("read", more);
    requireText(text);
    // Whoever made a call that failed is told of it.
    while (this.#working) await this.#working.catch(() => {});
    this.#requireOpen();
    const work = this.#follow(this.#typed.add(text));
    if (work) await this.#hold(work);
  }

  async #hold<T>(work: Promise<T>): Promise<T> {
    this.#working = work;
    try {
      return await work;
    } finally {
      this.#working = null;
    }
  }

  /**
   * Learns from what was read since the last time, in steps of a few milliseconds: one by default, none where too
   * little was read for one. The posterior that the session has of its own changes, and what it predicts from now on;
   * the model, its other sessions and their bytes stay as they are. Forks read with the same weights, and do not
   * learn. Reads that overlap with it wait. The same text and the same calls give the same weights.
   * @throws SviError `E_OPTION` for a session without a learner, and a fork; `E_DISPOSED`; `E_DIVERGED`, with the
   *   weights of the step before; the signal's reason when aborted, with the steps before
   */
  learn(options?: LearningOptions): Promise<Learnt>;
  async learn(options: LearningOptions = {}, ...more: unknown[]): Promise<Learnt> {
    requireNoMore("learn", more);
    const learning = this.#requireLearning();
    requireOptions("learn", options, LEARN);
    while (this.#working) await this.#working.catch(() => {});
    this.#requireOpen();
    return this.#hold(this.#learn(learning, options));
  }

  async #learn(learning: Learning, options: LearningOptions): Promise<Learnt> {
    const { version } = learning.posterior;
    const { kind } = this.#model.tokenizer;
    const typing = kind === "word" || kind === "json";
    try {
      return await learning.learn(typing ? this.#places.word : this.#places.now, options);
    } finally {
      if (this.#disposed) learning.release();
      else if (learning.posterior.version !== version) this.#predictor.repack();
    }
  }

  /**
   * What was learnt as a model file: for `learner({ from })`, beside the session's own bytes, or for
   * `LanguageModel.load`. @throws SviError `E_OPTION` for a session without a learner; `E_DISPOSED`
   */
  async learntBytes(): Promise<Uint8Array> {
    const learning = this.#requireLearning();
    while (this.#working) await this.#working.catch(() => {});
    this.#requireOpen();
    return this.#hold(learning.toBytes());
  }

  #requireLearning(): Learning {
    this.#requireOpen();
    if (this.#learning) return this.#learning;
    throw noLearner("The session has no learner");
  }

  /** The `count` likeliest next tokens. @throws SviError `E_BUSY` before `read` is done; `E_DISPOSED`, `E_OPTION` */
  top(count?: number): Next;
  top(count = 5, ...more: unknown[]): Next {
    requireNoMore("top", more);
    const { vocabulary } = this.#model.posterior.configuration;
    const most = Math.min(vocabulary, requireInteger("count", count, 1));
    this.#predict();
    const { probabilities } = this.#predictor;
    const textOf = tokenTexts(this.#model.tokenizer);
    const tokens = likeliest(probabilities, most).map((token) => ({
      token,
      text: textOf(token),
      probability: probabilities[token],
    }));
    return { tokens, ...this.#uncertainty() };
  }

  /** The probabilities of all tokens, a copy. @throws SviError `E_BUSY`, `E_DISPOSED` */
  distribution(): Distribution;
  distribution(...more: unknown[]): Distribution {
    requireNoMore("distribution", more);
    this.#predict();
    return { probabilities: this.#predictor.probabilities.slice(), ...this.#uncertainty() };
  }

  /**
   * Whole words that begin with what is half typed: the word that was read so far, and `prefix` behind it.
   * @throws SviError `E_PREFIX` where no word of the vocabulary does; `E_BUSY`, `E_DISPOSED`, `E_OPTION`; the
   *   signal's reason when aborted
   */
  complete(options?: CompleteOptions): Promise<Completion[]>;
  async complete(options: CompleteOptions = {}, ...more: unknown[]): Promise<Completion[]> {
    requireNoMore("complete", more);
    const { prefix } = requireOptions("complete", options, COMPLETE);
    const fork = this.fork();
    if (prefix) await fork.read(prefix);
    const { tokenizer } = this.#model;
    const now = fork.#begun();
    const word = fork.#beforeWord();
    // Words and subwords are searched for from the word's beginning: what was cached since is not before it.
    if (tokenizer.kind === "word" || tokenizer.kind === "json") fork.#cache?.back(entries(fork.#places.word));
    const { word: half, tail } = fork.#typed;
    return complete(tokenizer, this.#predictor, { now, word, half, tail, cache: fork.#cache }, options);
  }

  /** Another session in the same place: a copy of a few states. @throws SviError `E_BUSY`, `E_DISPOSED` */
  fork(): Session;
  fork(...more: unknown[]): Session {
    requireNoMore("fork", more);
    this.#requireStill();
    const { now, word, line } = this.#states;
    return new Session({
      model: this.#model,
      form: this.#form,
      predictor: this.#predictor,
      states: { now: now.slice(), word: word.slice(), line: line?.slice() ?? null },
      places: { ...this.#places },
      typed: new TypedText(this.#model.tokenizer, this.#typed.state),
      cache: this.#cache?.copy() ?? null,
      learning: null,
    });
  }

  /**
   * The session's place, for `model.session({ from })`: a few kB, with the line that is being typed; with a cache, its
   * states too.
   */
  toBytes(): Uint8Array;
  toBytes(...more: unknown[]): Uint8Array {
    requireNoMore("toBytes", more);
    this.#requireStill();
    this.#cache?.drop(this.#cacheNeeded());
    return writeSession({
      fingerprint: this.#learning?.base ?? this.#predictor.fingerprint,
      form: this.#form,
      states: this.#states,
      places: this.#places,
      typed: this.#typed.state,
      cache: this.#cache,
      learnt: this.#learning && {
        weights: fingerprintOf(this.#learning.posterior),
        waiting: this.#learning.waiting,
      },
    });
  }

  /** Ends the session; every later use throws. The weights stay packed for others of the model. */
  dispose(): void {
    if (!this.#disposed && !this.#working) this.#learning?.release();
    this.#disposed = true;
    this.#release();
  }

  #release(): void {
    if (this.#predictor.owner === this) this.#predictor.owner = null;
  }

  #requireOpen(): void {
    if (this.#disposed) throw disposedSession();
  }

  #requireStill(): void {
    this.#requireOpen();
    if (this.#working)
      throw new SviError("E_BUSY", "The session is still reading or learning", {
        remedy: "Await read() or learn() first",
      });
  }

  /** @returns undefined where all is read already */
  #follow(readings: readonly Reading[]): Promise<void> | undefined {
    const work = this.#steps(readings);
    return work.next().done ? undefined : this.#goOn(work);
  }

  async #goOn(work: Generator<void, void, void>): Promise<void> {
    do await pause();
    while (!work.next().done);
  }

  /** Yields where others may have a turn, with the state put away. */
  *#steps(readings: readonly Reading[]): Generator<void, void, void> {
    const { now } = this.#states;
    for (const { back, ids, mark } of readings) {
      if (back) this.#goBack(back);
      for (let i = 0; i < ids.length; i++) {
        this.#load();
        if (this.#places.now > 0) this.#cache?.push(this.#predictor.top, ids[i], this.#cacheNeeded());
        // A document begins anew.
        if (ids[i] === this.#model.documents?.separator)
          this.#predictor.load(new Float32Array(this.#predictor.stateSize));
        const spent = this.#predictor.read(ids[i]);
        this.#learning?.push(ids[i]);
        this.#places.now++;
        if (!spent) continue;
        this.#predictor.save(now);
        yield;
      }
      if (ids.length > 0) this.#predictor.save(now);
      if (mark) this.#remember(mark);
    }
  }

  #goBack(to: "word" | "line"): void {
    const { now, word, line } = this.#states;
    const lines = to === "line" && line;
    now.set(lines ? line : word);
    this.#places.now = lines ? this.#places.line : this.#places.word;
    this.#cache?.back(entries(this.#places.now));
    this.#learning?.back(this.#places.now);
    this.#release();
  }

  #remember(as: "word" | "line"): void {
    const { now, word, line } = this.#states;
    word.set(now);
    this.#places.word = this.#places.now;
    if (as === "word") return;
    line?.set(now);
    this.#places.line = this.#places.now;
  }

  /** Entries of the cache that it may be taken back to. */
  #cacheNeeded(): number {
    return entries(this.#states.line ? this.#places.line : this.#places.word);
  }

  #load(): void {
    if (this.#predictor.owner === this) return;
    this.#predictor.load(this.#states.now);
    this.#predictor.owner = this;
  }

  #predict(): void {
    this.#requireStill();
    if (this.#places.now > 0) this.#load();
    else {
      this.#predictor.load(this.#begun());
      this.#predictor.owner = null;
    }
    this.#predictor.predict(this.#cache);
  }

  /** The state after what was read; before anything was, after what comes before a text. */
  #begun(): Float32Array {
    return this.#places.now > 0 ? this.#states.now : this.#opened();
  }

  #opened(): Float32Array {
    const state = new Float32Array(this.#predictor.stateSize);
    this.#predictor.load(state);
    this.#predictor.owner = null;
    for (const id of opening(this.#model)) this.#predictor.read(id);
    this.#predictor.save(state);
    return state;
  }

  /** The state before the half-typed word; where that begins the text, after what comes before a text. */
  #beforeWord(): Float32Array {
    const { word } = this.#states;
    return word.every((x) => x === 0) ? this.#opened() : word;
  }

  #uncertainty() {
    const entropy = this.#predictor.entropy();
    return { entropy, mutualInformation: this.#predictor.mutualInformation(entropy) };
  }
}

/** Entries of a cache after so many tokens: the first one has no state before it. */
const entries = (tokens: number) => Math.max(0, tokens - 1);
