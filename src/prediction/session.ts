/** @module A reader that stays: it takes text as it is typed and says what may come next, at the cost of a token. */
import { requireInteger, SviError } from "../errors.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { pause } from "../pause.ts";
import { tokenTexts } from "../text/vocabulary.ts";
import { type CompleteOptions, type Completion, complete } from "./complete.ts";
import { type PredictionForm, requireForm } from "./ensemble.ts";
import { opening } from "./generate.ts";
import { type Model, requireSamples } from "./model.ts";
import { readSession, writeSession } from "./sessionBytes.ts";
import { disposedSession, type SessionForm, SharedPredictor } from "./shared.ts";
import { type Reading, TypedText } from "./typed.ts";

export interface SessionOptions extends PredictionForm {
  /** Posterior samples whose predictions are averaged; 0 for the mean. */
  readonly samples?: number;
  readonly seed?: number;
  /** What `toBytes` gave, of the same model: the session continues where that one was. */
  readonly from?: Uint8Array;
  readonly memoryLimit?: number;
  /** What computes: the entry point's own by default. */
  readonly kernels?: Kernels;
}

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

/**
 * Opens a session.
 * @throws SviError `E_OPTION`, `E_MEMORY`; `E_FORMAT`, `E_VERSION`, `E_MODEL` for bytes that are not a session of this
 *   model
 */
export async function session(model: Model, options: SessionOptions = {}): Promise<Session> {
  const kept = options.from === undefined ? null : readSession(model, options.from);
  const { sampling, quantized } = requireForm(options);
  const asked: SessionForm = {
    samples: requireSamples(model.posterior, options.samples ?? kept?.form.samples ?? 0),
    seed: requireInteger("seed", options.seed ?? kept?.form.seed ?? 1, 0, Number.MAX_SAFE_INTEGER),
    sampling: options.sampling ? sampling : (kept?.form.sampling ?? sampling),
    quantized: quantized ?? kept?.form.quantized,
  };
  if (kept) requireSameForm(asked, kept.form);
  const predictor = await SharedPredictor.open(model.posterior, asked, options);
  const size = predictor.stateSize;
  if (kept && kept.states.now.length !== size)
    throw new SviError("E_FORMAT", `The session has a state of ${kept.states.now.length} numbers`, {
      value: kept.states.now.length,
      remedy: `Give a session of this model, whose states have ${size}`,
    });
  const states = kept?.states ?? {
    now: new Float32Array(size),
    word: new Float32Array(size),
    line: TypedText.needsLines(model.tokenizer) ? new Float32Array(size) : null,
  };
  return new Session(
    model,
    asked,
    predictor,
    states,
    new TypedText(model.tokenizer, kept?.typed),
    kept?.tokens ?? 0,
  );
}

function requireSameForm(asked: SessionForm, kept: SessionForm): void {
  for (const name of ["samples", "seed", "sampling", "quantized"] as const)
    if (asked[name] !== kept[name])
      throw new SviError(
        "E_OPTION",
        `${name} is ${asked[name]}, and the session was opened with ${kept[name]}`,
        {
          option: name,
          value: asked[name],
          remedy: "Omit it: a session keeps what it was opened with",
        },
      );
}

/** What `model.session()` opens; any number of them share one copy of the weights. */
export class Session {
  readonly samples: number;
  readonly #model: Model;
  readonly #form: SessionForm;
  readonly #predictor: SharedPredictor;
  readonly #states: SessionStates;
  readonly #typed: TypedText;
  #tokens: number;
  #reading: Promise<void> | null = null;
  #disposed = false;

  /** Not for callers: `model.session()` opens one. */
  constructor(
    model: Model,
    form: SessionForm,
    predictor: SharedPredictor,
    states: SessionStates,
    typed: TypedText,
    tokens: number,
  ) {
    this.samples = form.samples;
    this.#model = model;
    this.#form = form;
    this.#predictor = predictor;
    this.#states = states;
    this.#typed = typed;
    this.#tokens = tokens;
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
  async read(text: string): Promise<void> {
    if (typeof text !== "string")
      throw new SviError("E_OPTION", `The text is of type ${typeof text}`, {
        value: text,
        remedy: "Give a string",
      });
    // Whoever made a call that failed is told of it.
    while (this.#reading) await this.#reading.catch(() => {});
    this.#requireOpen();
    const work = this.#follow(this.#typed.add(text));
    if (!work) return;
    this.#reading = work;
    try {
      await work;
    } finally {
      this.#reading = null;
    }
  }

  /** The `count` likeliest next tokens. @throws SviError `E_BUSY` before `read` is done; `E_DISPOSED`, `E_OPTION` */
  top(count = 5): Next {
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
  distribution(): Distribution {
    this.#predict();
    return { probabilities: this.#predictor.probabilities.slice(), ...this.#uncertainty() };
  }

  /**
   * Whole words that begin with what is half typed: the word that was read so far, and `prefix` behind it.
   * @throws SviError `E_PREFIX` where no word of the vocabulary does; `E_BUSY`, `E_DISPOSED`, `E_OPTION`; the
   *   signal's reason when aborted
   */
  async complete({ prefix = "", ...options }: CompleteOptions = {}): Promise<Completion[]> {
    const fork = this.fork();
    if (prefix) await fork.read(prefix);
    return complete(
      this.#model.tokenizer,
      this.#predictor,
      { now: fork.#begun(), word: fork.#beforeWord(), half: fork.#typed.word, tail: fork.#typed.tail },
      options,
    );
  }

  /** Another session in the same place: a copy of a few states. @throws SviError `E_BUSY`, `E_DISPOSED` */
  fork(): Session {
    this.#requireStill();
    const { now, word, line } = this.#states;
    const states = { now: now.slice(), word: word.slice(), line: line?.slice() ?? null };
    const typed = new TypedText(this.#model.tokenizer, this.#typed.state);
    return new Session(this.#model, this.#form, this.#predictor, states, typed, this.#tokens);
  }

  /** The session's place, for `model.session({ from })`: a few kB, with the line that is being typed. */
  toBytes(): Uint8Array {
    this.#requireStill();
    return writeSession({
      fingerprint: this.#predictor.fingerprint,
      form: this.#form,
      states: this.#states,
      typed: this.#typed.state,
      tokens: this.#tokens,
    });
  }

  /** Ends the session; every later use throws. The weights stay packed for others of the model. */
  dispose(): void {
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
    if (this.#reading)
      throw new SviError("E_BUSY", "The session is still reading", { remedy: "Await read() first" });
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
    const { now, word, line } = this.#states;
    for (const { back, ids, mark } of readings) {
      if (back) {
        now.set(back === "word" || !line ? word : line);
        this.#release();
      }
      for (let i = 0; i < ids.length; i++) {
        this.#load();
        const spent = this.#predictor.read(ids[i]);
        this.#tokens++;
        if (!spent) continue;
        this.#predictor.save(now);
        yield;
      }
      if (ids.length > 0) this.#predictor.save(now);
      if (!mark) continue;
      word.set(now);
      if (mark === "line") line?.set(now);
    }
  }

  #load(): void {
    if (this.#predictor.owner === this) return;
    this.#predictor.load(this.#states.now);
    this.#predictor.owner = this;
  }

  #predict(): void {
    this.#requireStill();
    if (this.#tokens > 0) this.#load();
    else {
      this.#predictor.load(this.#begun());
      this.#predictor.owner = null;
    }
    this.#predictor.predict();
  }

  /** The state after what was read; before anything was, after what comes before a text. */
  #begun(): Float32Array {
    return this.#tokens > 0 ? this.#states.now : this.#opened();
  }

  #opened(): Float32Array {
    const state = new Float32Array(this.#predictor.stateSize);
    this.#predictor.load(state);
    this.#predictor.owner = null;
    for (const id of opening(this.#model.tokenizer)) this.#predictor.read(id);
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

/** Ids by falling probability, equal ones by id: what is kept is inserted in its place, the rest only compared. */
export function likeliest(probabilities: Float32Array, count: number): number[] {
  const ids: number[] = [];
  let least = -1;
  for (let id = 0; id < probabilities.length; id++) {
    const p = probabilities[id];
    if (ids.length === count && p <= least) continue;
    let at = ids.length < count ? ids.length : count - 1;
    for (; at > 0 && probabilities[ids[at - 1]] < p; at--) ids[at] = ids[at - 1];
    ids[at] = id;
    if (ids.length === count) least = probabilities[ids[count - 1]];
  }
  return ids;
}
