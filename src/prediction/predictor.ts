/** @module A model that reads tokens one after the other and says what comes next, with its uncertainty. */

import { PREDICTION } from "../kernels/calls.ts";
import { KernelInstance } from "../kernels/instance.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { MemoryPlan } from "../kernels/memory.ts";
import type { Seed } from "../kernels/random.ts";
import type { Posterior } from "../model/posterior.ts";
import type { Slices } from "../model/work.ts";
import type { Documents } from "../text/scoring.ts";
import { type CachedForm, type Ensemble, planEnsemble } from "./ensemble.ts";
import { requirePrediction, requireSamples } from "./model.ts";

/** What is known of the next token; nats. A view that the next token overwrites. */
export interface Prediction {
  /** Probabilities of all ids, [vocabulary]. */
  readonly probabilities: Float32Array;
  /** Found when asked for: it costs a logarithm a word. */
  readonly entropy: number;
  /** 0 for the mean alone. */
  readonly mutualInformation: number;
}

/** The mean, or S posterior samples with a state each, whose probabilities are averaged. */
export class Predictor {
  readonly plan: MemoryPlan;
  readonly #ensemble: Ensemble;
  readonly #samples: number;
  readonly #vocabulary: number;
  readonly #separator: number;
  readonly #entropy: number;
  #prediction: Prediction | undefined;

  /** Plans its memory; usable once `plan` is committed and `begin` was called. @throws SviError `E_OPTION` */
  constructor(
    posterior: Posterior,
    samples: number,
    options: CachedForm & {
      readonly memoryLimit?: number;
      readonly kernels?: Kernels;
      readonly documents?: Documents | null;
    } = {},
  ) {
    this.#separator = options.documents?.separator ?? -1;
    this.#samples = requireSamples(posterior, samples);
    this.#vocabulary = posterior.configuration.vocabulary;
    this.plan = new MemoryPlan(new KernelInstance(PREDICTION, options.kernels), options.memoryLimit);
    this.#ensemble = planEnsemble(this.plan, posterior, samples, options);
    this.#entropy = this.plan.words(1);
  }

  /** Ends the use of its kernels. */
  release(): void {
    this.plan.instance.release();
  }

  /** The last layer's part of the state, sample by sample. */
  get top(): readonly Float32Array[] {
    return this.#ensemble.top;
  }

  /** Draws and packs the weights; from then on changes of the posterior are not seen. */
  begin(seed: Seed): Slices {
    this.#prediction = this.#view();
    return this.#ensemble.begin(seed);
  }

  /**
   * Reads tokens and predicts what follows each of them.
   * @param visit gets each token's index and the prediction made after it
   * @throws SviError `E_TOKEN_RANGE`, `E_DIVERGED` (a prediction that is not a number)
   */
  *read(tokens: Int32Array, visit: (index: number, prediction: Prediction) => void): Slices {
    for (let i = 0; i < tokens.length; i++) {
      yield* this.#step(tokens[i], true);
      requirePrediction(this.#ensemble.check);
      visit(i, this.#prediction!);
    }
  }

  /**
   * Reads at least one token and predicts what follows the last.
   * @throws SviError `E_TOKEN_RANGE`, `E_DIVERGED`
   */
  *follow(tokens: ArrayLike<number>): Slices<Prediction> {
    for (let i = 0; i < tokens.length; i++) yield* this.#step(tokens[i], i === tokens.length - 1);
    requirePrediction(this.#ensemble.check);
    return this.#prediction!;
  }

  /** A document begins anew. */
  #step(token: number, predict: boolean): Slices {
    if (token === this.#separator) this.#ensemble.reset();
    return this.#ensemble.step(token, predict);
  }

  /** One view for all tokens: memory does not grow, and nothing is allocated for a token. */
  #view(): Prediction {
    const ensemble = this.#ensemble;
    const samples = this.#samples;
    const entropyAt = this.plan.floats(this.#entropy, 1);
    const entropyOf = () => {
      const { probabilities, stride } = ensemble;
      this.plan.instance.exports.addEntropy(this.#entropy, probabilities, 1, stride, 1, 1);
      return entropyAt[0];
    };
    return {
      probabilities: this.plan.floats(ensemble.probabilities, this.#vocabulary),
      get entropy() {
        return entropyOf();
      },
      get mutualInformation() {
        return samples > 0 ? entropyOf() - ensemble.samplesEntropy : 0;
      },
    };
  }
}
