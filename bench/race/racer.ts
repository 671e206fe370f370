/** @module svi-lm's side of a race, in Node or in a page: `fit` as a user calls it, in turns. */
import { Corpus, evaluate, fit, LanguageModel, tokenizerFromDescription } from "../../src/entries/index.ts";
import type { TokenizerDescription } from "../../src/text/types.ts";

export interface RaceShape {
  readonly embedding: number;
  readonly hidden: number;
  readonly layers: number;
  readonly batch: number;
  readonly sequence: number;
}

/** What both sides are told of svi-lm's run. */
export interface RaceJob {
  readonly shape: RaceShape;
  readonly tokenizer: TokenizerDescription;
  readonly epochs: number;
  readonly seed: number;
  /** Validations of the whole run. */
  readonly points: number;
}

/** Seconds on the clock of its own, tokens read, nats a token of the validation text. */
export type Point = readonly [seconds: number, tokens: number, nll: number];

export interface Turn {
  readonly points: readonly Point[];
  readonly done: boolean;
}

/** Trains for as long as it is told; what it is validated by is not on the clock. */
export class Racer {
  readonly #model: LanguageModel;
  readonly #valid: Corpus;
  readonly #records: ReturnType<typeof fit>;
  readonly #points: number;
  #seconds = 0;
  #done = false;

  private constructor(model: LanguageModel, train: Corpus, valid: Corpus, job: RaceJob) {
    const { batch, sequence } = job.shape;
    const { epochs, seed } = job;
    this.#model = model;
    this.#valid = valid;
    this.#points = job.points;
    this.#records = fit(model, train, { batch, sequence, epochs, seed });
  }

  static async create(job: RaceJob, train: Int32Array, valid: Int32Array): Promise<Racer> {
    const { embedding, hidden, layers } = job.shape;
    const tokenizer = tokenizerFromDescription(job.tokenizer);
    const model = await LanguageModel.create({ tokenizer, embedding, hidden, layers, seed: job.seed });
    const [text, held] = [train, valid].map((ids) => Corpus.fromTokens(ids, tokenizer));
    return new Racer(model, text, held, job);
  }

  async turn(seconds: number): Promise<Turn> {
    const points: Point[] = [];
    const until = this.#seconds + seconds;
    while (this.#seconds < until && !this.#done) {
      const begun = performance.now();
      const { value: record, done } = await this.#records.next();
      this.#seconds += (performance.now() - begun) / 1000;
      if (done) {
        this.#done = true;
        break;
      }
      const every = Math.max(1, Math.floor(record.steps / this.#points));
      const last = record.step === record.steps;
      if (!last && record.step % every !== 0) continue;
      const { nll } = await evaluate(this.#model, this.#valid);
      points.push([this.#seconds, record.tokens, nll]);
    }
    return { points, done: this.#done };
  }
}
