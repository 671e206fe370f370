/**
 * @module What was learnt before as IVON's prior: N(m₀, 1/p₀), a mean and a precision for every weight.
 *
 * With λ₀ tokens behind the prior and λₙ tokens of text, Λ = λ₀ + λₙ, the objective per token of Λ is
 * (λₙ/Λ) ℓ(θ) + Σ (p₀/Λ) (θ − m₀)²/2: the text counts by its share, and the prior is a quadratic whose curvature
 * is known. The posterior's precision is Λ h with h = (λₙ/Λ) ĥ + p₀/Λ.
 */
import type { Slices } from "../../model/work.ts";
import type { GuideContext, Part, Vectors } from "../guide.ts";
import type { PosteriorPrior } from "../method.ts";

/** Most of the way to its prior that a weight may be drawn in a step. */
const MOST_RATE = 0.25;

export class Anchor {
  /** Part of the objective that the text is. */
  readonly share: number;
  readonly #v: Vectors;
  readonly #prior: PosteriorPrior;
  /** One over Λ. */
  readonly #weight: number;
  readonly #mean: number;
  readonly #precision: number;
  /** Mean precision of the weights, which holds biases too: they have none of their own. */
  readonly #level: number;

  constructor(v: Vectors, context: GuideContext, prior: PosteriorPrior) {
    this.#v = v;
    this.#prior = prior;
    this.#weight = 1 / context.lambda;
    this.share = 1 - prior.lambda * this.#weight;
    this.#mean = v.array("prior/mean");
    this.#precision = v.array("prior/precision");
    v.state.numbers("prior/lambda", [prior.lambda]);
    let sum = 0;
    for (const { offset, size, bias } of v.layout.segments)
      for (let i = offset; i < offset + size && !bias; i++) sum += prior.precision[i];
    this.#level = sum / v.layout.weights;
  }

  *start(): Slices {
    const { mean, precision } = this.#prior;
    yield* this.#v.copy(this.#v.view(this.#mean), mean);
    yield* this.#v.copy(this.#v.view(this.#precision), precision);
  }

  /** Curvature per token that the prior was found with: what the text's is likely to be, too. */
  get curvature(): { readonly of: (index: number) => number; readonly level: number } {
    const { precision, lambda } = this.#prior;
    return { of: (index) => precision[index] / lambda, level: this.#level / lambda };
  }

  limited(rate: number): number {
    return Math.min(rate, MOST_RATE);
  }

  /** Makes of the text's gradient that of the whole objective. @param clip factor from clipping */
  pull({ segment, size }: Part, at: number, gradient: number, mean: number, clip: number): void {
    const { k } = this.#v;
    const scale = clip * this.share;
    if (segment.bias) {
      const weight = this.#level * this.#weight;
      k.axpby(gradient + at, weight, mean + at, scale, size);
      k.axpby(gradient + at, -weight, this.#mean + at, 1, size);
    } else
      k.anchorGradient(
        gradient + at,
        mean + at,
        this.#mean + at,
        this.#precision + at,
        size,
        scale,
        this.#weight,
      );
  }

  /** Adds the prior's share to a Hessian that has just forgotten `retention` of itself. */
  remember({ size }: Part, at: number, hessian: number, retention: number): void {
    this.#v.k.axpby(hessian + at, retention * this.#weight, this.#precision + at, 1, size);
  }

  /** KL(q‖prior) in nats of the weights; Σ ½ (ln(p/p₀) + p₀/p + p₀ (m − m₀)² − 1). */
  *kl(mean: number, precisionOf: (index: number) => number): Slices<number> {
    const { log64 } = this.#v.k;
    const [m, anchor, precision] = [mean, this.#mean, this.#precision].map((at) => this.#v.view(at));
    let sum = 0;
    yield* this.#v.each(({ segment, offset, size }) => {
      for (let i = offset; i < offset + size && !segment.bias; i++) {
        const ratio = precision[i] / precisionOf(i);
        const away = m[i] - anchor[i];
        sum += ratio - log64(ratio) + precision[i] * away * away - 1;
      }
    });
    return sum / 2;
  }
}
