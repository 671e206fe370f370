/** @module Rows of the forms that read a token at a time, 8 bits: each row's state is kept, and read from again. */
import type { MemoryPlan } from "../kernels/memory.ts";
import type { Seed } from "../kernels/random.ts";
import type { Posterior } from "../model/posterior.ts";
import type { Slices } from "../model/work.ts";
import { type Ensemble, type PredictionForm, planEnsemble } from "./ensemble.ts";
import type { RowEnsemble, RowFigures, RowPlaces } from "./rowEnsemble.ts";

const BYTES = 4;

/** What a search needs of rows, whatever reads them. */
export type Rows = Pick<RowEnsemble, "rows" | "begin" | "step" | "figures">;

export class StepRows implements Rows {
  readonly rows: number;
  readonly #plan: MemoryPlan;
  readonly #vocabulary: number;
  readonly #samples: number;
  readonly #ensemble: Ensemble;
  /** Two entropies: of the averaged prediction, and the samples' mean. */
  readonly #entropies: number;
  /** States that rows of the last step ended in, and those of the step at hand. */
  #before: Float32Array[] = [];
  #after: Float32Array[] = [];

  /** Plans its memory; usable once the plan is committed and `begin` was called. */
  constructor(plan: MemoryPlan, posterior: Posterior, samples: number, form: PredictionForm, rows: number) {
    this.rows = rows;
    this.#plan = plan;
    this.#vocabulary = posterior.configuration.vocabulary;
    this.#samples = samples;
    this.#ensemble = planEnsemble(plan, posterior, samples, form);
    this.#entropies = plan.words(2);
  }

  /** Draws and packs the weights; later changes of the posterior are not seen. */
  begin(seed: Seed): Slices {
    return this.#ensemble.begin(seed);
  }

  /** As `step` of `RowEnsemble`. */
  *step(
    tokens: Int32Array,
    parents: Int32Array,
    count: number,
    visit: (row: number, at: RowPlaces) => void,
    predicted = count,
  ): Slices {
    const { probabilities, stride } = this.#ensemble;
    const entropy = this.#entropies;
    for (let row = 0; row < count; row++) {
      this.#restore(parents[row]);
      yield* this.#ensemble.step(tokens[row], row < predicted);
      this.#keep(row);
      if (row >= predicted) continue;
      this.#plan.instance.exports.addEntropy(entropy, probabilities, 1, stride, 1, 1);
      this.#plan.floats(entropy + BYTES, 1)[0] = this.#ensemble.samplesEntropy;
      visit(row, { probabilities, entropy, samplesEntropy: entropy + BYTES });
    }
    [this.#before, this.#after] = [this.#after, this.#before];
  }

  figures({ probabilities, entropy: at }: RowPlaces): RowFigures {
    const [entropy, ofSamples] = this.#plan.floats(at, 2);
    return {
      probabilities: this.#plan.floats(probabilities, this.#vocabulary),
      entropy: Number.isFinite(this.#ensemble.check) ? entropy : Number.NaN,
      mutualInformation: this.#samples > 0 ? entropy - ofSamples : 0,
    };
  }

  #restore(parent: number): void {
    this.#ensemble.reset();
    if (parent < 0) return;
    const kept = this.#before[parent];
    let from = 0;
    for (const piece of this.#ensemble.state) {
      piece.set(kept.subarray(from, from + piece.length));
      from += piece.length;
    }
    this.#ensemble.settle();
  }

  #keep(row: number): void {
    const { state } = this.#ensemble;
    this.#after[row] ??= new Float32Array(state.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const piece of state) {
      this.#after[row].set(piece, at);
      at += piece.length;
    }
  }
}
