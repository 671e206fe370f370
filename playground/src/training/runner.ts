/** @module One of the two models that are trained side by side: its run, its curve, and what it writes meanwhile. */
import {
  adam,
  type Evaluation,
  ivon,
  type StepRecord,
  type WorkerClient,
  type WorkerCorpus,
  type WorkerLanguageModel,
} from "svi-lm/worker";
import { engine } from "../engine/engines.ts";
import { unwritten } from "../engine/words.ts";
import type { Gate } from "./gate.ts";
import { fitting, POINTS, type Settings } from "./settings.ts";

export type Role = "own" | "rival";

/** Points of a curve: how often the text was read, and bits a token on held-out text. */
export interface Curve {
  readonly epochs: number[];
  readonly bits: number[];
}

export interface Material {
  readonly text: string;
  readonly prompt: string;
}

/** Held-out tokens that are scored while it trains: more would cost more than they tell. */
const MOST_HELD_OUT = 3000;
const HELD_OUT = 0.1;
const CHECKPOINTS = 40;
const WRITE_EVERY = 2500;
/** Steps before which nothing that it writes is worth reading. */
const LEAST_STEPS = 20;
const SMOOTHING = 0.1;

export class Runner {
  readonly role: Role;
  readonly curve: Curve = { epochs: [], bits: [] };
  readonly #settings: Settings;
  readonly #material: Material;
  readonly #gate: Gate;
  readonly #changed: () => void;
  model: WorkerLanguageModel | null = null;
  record: StepRecord | null = null;
  written = "";
  tokensPerSecond = 0;
  heldOut: WorkerCorpus | null = null;
  /** Of the end of the run, as is the file. */
  evaluation: Evaluation | null = null;
  file: Blob | null = null;
  #saved: Uint8Array | undefined;
  #secondsPerStep = 0;
  #last = 0;
  #wrote = 0;
  #writing = false;

  constructor(role: Role, material: Material, settings: Settings, gate: Gate, changed: () => void) {
    this.role = role;
    this.#material = material;
    this.#settings = settings;
    this.#gate = gate;
    this.#changed = changed;
  }

  get secondsLeft(): number | null {
    if (!this.record || this.#secondsPerStep === 0) return null;
    return (this.record.steps - this.record.step) * this.#secondsPerStep;
  }

  get fraction(): number {
    return this.record ? this.record.step / this.record.steps : 0;
  }

  /**
   * Makes corpus and model, in the worker of the role.
   *
   * @returns trains it; `ready` hears of the model once it is clear that it fits into memory
   */
  async prepare(): Promise<(ready: () => void) => Promise<void>> {
    const client = await engine(this.role);
    const { tokenizer: kind, hidden, layers, seed } = this.#settings;
    const { text } = this.#material;
    // What comes once becomes unknown, so that any text can be scored later.
    const limits = kind === "word" ? { minimumCount: 2, maximumVocabulary: 4000 } : { minimumCount: 2 };
    const tokenizer = await client.learnTokenizer(text, { kind, ...limits });
    const corpus = await client.Corpus.open(text, { tokenizer });
    const [read, held] = await corpus.split([1 - HELD_OUT, HELD_OUT]);
    this.heldOut = held.tokens > MOST_HELD_OUT ? await held.slice(0, MOST_HELD_OUT) : held;
    const embedding = Math.max(16, hidden >> 2);
    this.model = await client.LanguageModel.create({ tokenizer, embedding, hidden, layers, seed });
    return (ready) => this.#train(client, read, ready);
  }

  async #train(client: WorkerClient, corpus: WorkerCorpus, ready: () => void): Promise<void> {
    const { epochs, seed } = this.#settings;
    const shape = fitting(this.#settings, corpus.tokens);
    const windows = Math.floor((corpus.tokens - 1) / (shape.batch * shape.sequence)) || 1;
    const every = (count: number) => Math.max(1, Math.round((windows * epochs) / count));
    const run = client.fit(this.model!, corpus, {
      ...shape,
      epochs,
      seed,
      inference: this.role === "own" ? ivon() : adam(),
      validation: { corpus: this.heldOut!, every: every(POINTS) },
      checkpoint: { every: every(CHECKPOINTS), save: (bytes) => this.#keep(bytes) },
      resume: this.#saved,
    });
    this.#last = performance.now();
    let first = true;
    for await (const record of run) {
      if (first) ready();
      first = false;
      this.#note(record);
      if (!(await this.#gate.open(this))) break;
    }
    await this.#write();
    this.evaluation = await client.evaluate(this.model!, this.heldOut!);
    this.file = new Blob([(await this.model!.toBytes()) as BlobPart]);
  }

  #note(record: StepRecord): void {
    const now = performance.now();
    const seconds = (now - this.#last) / 1000;
    this.#last = now;
    // A pause, or a tab that slept, says nothing of speed.
    if (seconds < 2) this.#secondsPerStep += (seconds - this.#secondsPerStep) * (this.record ? SMOOTHING : 1);
    this.record = record;
    this.tokensPerSecond = record.tokens / record.step / (this.#secondsPerStep || 1);
    if (record.valid) this.#point(record.epoch, record.valid.bitsPerToken);
    if (record.step >= LEAST_STEPS && now - this.#wrote > WRITE_EVERY && !this.#writing) void this.#sample();
    this.#changed();
  }

  #keep(bytes: Uint8Array): void {
    this.#saved = bytes;
  }

  /** After a resumption some steps come again. */
  #point(epoch: number, bits: number): void {
    const { epochs } = this.curve;
    while (epochs.length > 0 && epochs[epochs.length - 1] >= epoch) {
      epochs.pop();
      this.curve.bits.pop();
    }
    epochs.push(epoch);
    this.curve.bits.push(bits);
  }

  async #sample(): Promise<void> {
    // A worker that is lost is told of by the run itself.
    await this.#write().catch(() => {});
  }

  async #write(): Promise<void> {
    this.#writing = true;
    this.#wrote = performance.now();
    const { temperature, tokenizer } = this.#settings;
    const prompt = this.#material.prompt;
    const tokens = tokenizer === "word" ? 40 : 180;
    const exclude = unwritten(this.model!);
    let text = prompt.trimStart();
    // The first text is seen as it comes; later ones take the place of the one before once they are whole.
    const first = this.written === "";
    try {
      const seed = this.record?.step ?? 1;
      for await (const piece of this.model!.generate({
        prompt: prompt || undefined,
        tokens,
        temperature,
        seed,
        exclude,
      })) {
        text += piece.text;
        if (first) this.#say(text);
      }
      this.#say(text);
    } finally {
      this.#writing = false;
    }
  }

  #say(text: string): void {
    this.written = text;
    this.#changed();
  }
}
