/** @module The cross-entropy of the adaptive softmax: each tail is computed for the rows alone whose target is in it. */
import type { Address } from "../../kernels/address.ts";
import { tailsOf } from "../clusters.ts";
import { AdaptiveSoftmax, type Cluster, has } from "./adaptive.ts";
import { LossClassifier } from "./classifierLoss.ts";
import { type Rows, wordsIf } from "./layer.ts";
import type { LossLayer, OutputContext, OutputGradients } from "./output.ts";

/** Rows of the window whose targets are in one cluster: a range of `members` and of the arrays beside it. */
interface Group {
  readonly from: number;
  readonly count: number;
}

export class AdaptiveLoss extends AdaptiveSoftmax<LossClassifier> implements LossLayer {
  #groups: readonly Group[] = [];
  /** [rows], cluster by cluster: the rows, and their targets within it. */
  readonly #members: Address;
  readonly #tailTargets: Address;
  /** A cluster's rows, [rows, hidden], and the gradients of their projections, [rows, widest tail]. */
  readonly #gathered: Address;
  readonly #dProjected: Address;

  constructor(context: OutputContext) {
    super(context, LossClassifier);
    const { plan, model, shape } = context;
    const rows = shape.batch * shape.sequence;
    this.#members = plan.words(rows);
    this.#tailTargets = plan.words(rows);
    this.#gathered = plan.words(rows * model.hidden);
    this.#dProjected = wordsIf(plan, shape.training, rows * tailsOf(model)[0].width);
  }

  /** Sorts the rows by the cluster of their target, each cluster's in their order. */
  override setTargets(targets: Int32Array): void {
    super.setTargets(targets);
    const { plan } = this.context;
    const members = plan.integers(this.#members, targets.length);
    const tailTargets = plan.integers(this.#tailTargets, targets.length);
    let placed = 0;
    this.#groups = this.clusters.map((cluster) => {
      const from = placed;
      targets.forEach((target, r) => {
        if (!has(cluster, target)) return;
        members[placed] = r;
        tailTargets[placed++] = target - cluster.first;
      });
      return { from, count: placed - from };
    });
  }

  loss(theta: Address, top: Rows, gradients: OutputGradients | null, take: (nll: number) => void): void {
    const { tape, buffers, window } = this.context;
    let total = 0;
    const add = (nll: number) => {
      total += nll;
    };
    const rows = { count: top.count, inputs: top.at, targets: this.headTargets, nll: buffers.nll };
    this.head.loss(theta, rows, window.scored, gradients, add);
    this.clusters.forEach((cluster, i) => {
      this.#tailLoss(theta, top, cluster, this.#groups[i], gradients, add);
    });
    tape.js(() => take(total));
  }

  #tailLoss(
    theta: Address,
    top: Rows,
    cluster: Cluster<LossClassifier>,
    { from, count }: Group,
    gradients: OutputGradients | null,
    take: (nll: number) => void,
  ): void {
    const { tape, buffers, model, window } = this.context;
    const width = model.hidden;
    if (count === 0) {
      if (gradients) this.#clearGradients(cluster, gradients.flat);
      return;
    }
    const ids = this.#members + 4 * from;
    const nll = this.tailNll + 4 * from;
    tape.k.gatherRows({ out: this.#gathered, table: top.at, ids, rows: count, width });
    const gathered = { at: this.#gathered, count };
    cluster.projection.forward(gathered, this.projected);
    const own = gradients && { flat: gradients.flat, inputs: this.#dProjected };
    const targets = this.#tailTargets + 4 * from;
    cluster.classifier.loss(theta, { count, inputs: this.projected, targets, nll }, window.scored, own, take);
    tape.k.scatterAddRows({ table: buffers.nll, rows: nll, ids, count, width: 1, stride: 1 });
    if (!gradients) return;
    // The gradients of the gathered rows take their place.
    cluster.projection.backward(gradients.flat, gathered, this.#dProjected, this.#gathered);
    tape.k.scatterAddRows({
      table: gradients.inputs,
      rows: this.#gathered,
      ids,
      count,
      width,
      stride: width,
    });
  }

  #clearGradients({ size, width, projection, classifier }: Cluster, gradient: Address): void {
    const { tape, model } = this.context;
    tape.k.fillZero({ out: gradient + projection.shape.weight, bytes: 4 * width * model.hidden });
    tape.k.fillZero({ out: gradient + classifier.shape.weight, bytes: 4 * size * width });
  }
}
