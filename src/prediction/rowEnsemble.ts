/** @module In float32: the mean, or independent samples whose probabilities are averaged, many rows at a time. */
import { drawNatural } from "../inference/draw.ts";
import type { ProductForm } from "../kernels/forms.ts";
import type { MemoryPlan } from "../kernels/memory.ts";
import { type Seed, STREAM } from "../kernels/random.ts";
import type { Posterior } from "../model/posterior.ts";
import { RowStepper } from "../model/rowStepper.ts";
import type { Slices } from "../model/work.ts";

const BYTES = 4;
/** Rows of a step: enough for the products, few enough that their states stay near. */
const MOST_ROWS = 256;
const LEAST_ROWS = 16;
/** Floats of the samples' probabilities, added up, and of the states of all samples. */
const SUM_FLOATS = 2 ** 22;
const STATE_FLOATS = 2 ** 22;

/** Addresses of a row's figures, until the next rows: probabilities, [stride], and entropies, those of samples summed. */
export interface RowPlaces {
  readonly probabilities: number;
  readonly entropy: number;
  readonly samplesEntropy: number;
}

/** Of what comes after a row; nats. The probabilities are a view, until the next rows. */
export interface RowFigures {
  readonly probabilities: Float32Array;
  readonly entropy: number;
  readonly mutualInformation: number;
}

/** Rows of a step that are worth their memory. */
export function rowsOf({ configuration }: Posterior, samples: number): number {
  const { vocabulary, hidden, layers, attention } = configuration;
  const fitting = Math.min(
    samples > 0 ? SUM_FLOATS / vocabulary : MOST_ROWS,
    STATE_FLOATS / ((2 * layers + (attention ? attention.span + 1 : 0)) * hidden * Math.max(1, samples)),
  );
  return Math.max(LEAST_ROWS, Math.min(MOST_ROWS, Math.floor(fitting)));
}

export class RowEnsemble {
  readonly rows: number;
  /** Floats of a row of probabilities. */
  readonly stride: number;
  readonly #plan: MemoryPlan;
  readonly #posterior: Posterior;
  readonly #samples: number;
  readonly #stepper: RowStepper;
  readonly #mean: number;
  readonly #precision: number;
  /** Probabilities added up over the samples, [rows, stride], or those of the mean's chunk. */
  readonly #sum: number;
  /** [rows]. */
  readonly #entropy: number;
  readonly #samplesEntropy: number;

  /** Plans its memory; usable once the plan is committed and `begin` was called. */
  constructor(plan: MemoryPlan, posterior: Posterior, samples: number, rows: number, form?: ProductForm) {
    const { configuration, layout } = posterior;
    this.rows = rows;
    this.#plan = plan;
    this.#posterior = posterior;
    this.#samples = samples;
    this.#stepper = new RowStepper(plan, configuration, layout, { rows, sets: Math.max(1, samples), form });
    this.stride = this.#stepper.stride;
    this.#mean = samples > 0 ? plan.words(layout.length) : this.#stepper.theta(0);
    this.#precision = samples > 0 ? plan.words(layout.length) : 0;
    this.#sum = samples > 0 ? plan.words(rows * this.stride) : this.#stepper.logits;
    this.#entropy = plan.words(rows);
    this.#samplesEntropy = plan.words(rows);
  }

  /** Draws and packs the weights; later changes of the posterior are not seen. */
  *begin(seed: Seed): Slices {
    const { layout } = this.#posterior;
    const flat = (at: number) => this.#plan.floats(at, layout.length);
    yield* this.#posterior.read(flat(this.#mean), this.#samples > 0 ? flat(this.#precision) : null);
    if (this.#samples === 0) this.#stepper.pack(0);
    for (let sample = 0; sample < this.#samples; sample++) {
      const theta = this.#stepper.theta(sample);
      yield* drawNatural(
        this.#plan.instance.exports,
        layout,
        { theta, mean: this.#mean, h: this.#precision, delta: 0, scale: 1 },
        { seed, step: sample, stream: STREAM.evaluate, particle: 0 },
      );
      this.#stepper.pack(sample);
      yield* this.#stepper.tape.run();
    }
    yield* this.#stepper.tape.run();
  }

  /** Texts begin from the state that a row of the last step ended in, not from zeros. */
  beginFrom(row: number): void {
    this.#stepper.beginFrom(row);
  }

  /**
   * Reads a token in each row.
   * @param parents each row's place in the step before; −1 for a text that begins
   * @param visit gets each of the first `predicted` rows, once its figures are there
   */
  *step(
    tokens: Int32Array,
    parents: Int32Array,
    count: number,
    visit: (row: number, at: RowPlaces) => void,
    predicted = count,
  ): Slices {
    const k = this.#plan.instance.exports;
    const { stride } = this;
    const { logits } = this.#stepper;
    this.#stepper.setRows(tokens, parents, count);
    for (let set = 0; set < Math.max(1, this.#samples); set++) {
      this.#stepper.read(set);
      if (predicted > 0)
        this.#stepper.probabilities(
          set,
          ({ row, rows }) => {
            if (this.#samples === 0) {
              k.addEntropy(this.#entropy + row * BYTES, logits, rows, stride, 1, 1);
              for (let i = 0; i < rows; i++) visit(row + i, this.#placesOf(row + i, i));
              return;
            }
            const first = Number(set === 0);
            k.addProbabilities(this.#sum + row * stride * BYTES, logits, rows * stride, first);
            k.addEntropy(this.#samplesEntropy + row * BYTES, logits, rows, stride, 1, first);
          },
          predicted,
        );
      yield* this.#stepper.tape.run();
    }
    if (this.#samples === 0 || predicted === 0) return;
    k.axpby(this.#sum, 0, this.#sum, 1 / this.#samples, predicted * stride);
    k.addEntropy(this.#entropy, this.#sum, predicted, stride, 1, 1);
    for (let row = 0; row < predicted; row++) visit(row, this.#placesOf(row, row));
  }

  /** @param place of the row among those whose probabilities are at hand */
  #placesOf(row: number, place: number): RowPlaces {
    return {
      probabilities: this.#sum + place * this.stride * BYTES,
      entropy: this.#entropy + row * BYTES,
      samplesEntropy: this.#samplesEntropy + row * BYTES,
    };
  }

  figures({ probabilities, entropy: entropyAt, samplesEntropy }: RowPlaces): RowFigures {
    const [entropy] = this.#plan.floats(entropyAt, 1);
    return {
      probabilities: this.#plan.floats(probabilities, this.#posterior.configuration.vocabulary),
      entropy,
      mutualInformation:
        this.#samples > 0 ? entropy - this.#plan.floats(samplesEntropy, 1)[0] / this.#samples : 0,
    };
  }
}
