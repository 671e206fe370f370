/**
 * @module The output layer for large vocabularies: Grave, Joulin, Cissé, Grangier and Jégou (2017), Efficient softmax
 * approximation for GPUs; tensors as in PyTorch's AdaptiveLogSoftmaxWithLoss with a bias in the head.
 *
 * The head tells frequent tokens and clusters of rarer ones apart, a tail the tokens of its cluster:
 * p(w) = p(cluster)·p(w | cluster). A loss computes each tail for the rows alone whose target is in it; what it
 * omits does not enter the likelihood, so nothing is approximated. Probabilities are those of all tokens.
 */
import type { Address } from "../../kernels/address.ts";
import { type Tail, tailsOf } from "../clusters.ts";
import type { ModelConfiguration } from "../configuration.ts";
import {
  type Classifier,
  type ClassifierContext,
  type ClassifierForm,
  chunkRowsOf,
  chunksOf,
  logitStrideOf,
} from "./classifier.ts";
import { placeOf, type Rows, type Tensor } from "./layer.ts";
import type { Chunk, OutputContext, OutputLayer } from "./output.ts";
import { Projection } from "./projection.ts";

export function adaptiveTensors(model: ModelConfiguration): Tensor[] {
  const { hidden } = model;
  const tails = tailsOf(model);
  const init = (width: number) => ({ kind: "uniform", width }) as const;
  const size = tails[0].first + tails.length;
  return [
    { name: "output.head.weight", shape: [size, hidden], role: "output", init: init(hidden) },
    { name: "output.head.bias", shape: [size], role: "bias", init: init(hidden) },
    ...tails.flatMap(({ size, width }, i): Tensor[] => [
      { name: `output.tail.${i}.0.weight`, shape: [width, hidden], role: "output", init: init(hidden) },
      { name: `output.tail.${i}.1.weight`, shape: [size, width], role: "output", init: init(width) },
    ]),
  ];
}

/** A tail and the projection to its width. */
export interface Cluster<C extends Classifier = Classifier> extends Tail {
  readonly projection: Projection;
  readonly classifier: C;
}

/** Some of the outputs of the last layer. */
type Some = Pick<Rows, "at" | "count">;

export class AdaptiveSoftmax<C extends Classifier = Classifier> implements OutputLayer {
  protected readonly context: OutputContext;
  protected readonly head: C;
  protected readonly clusters: readonly Cluster<C>[];
  /** Tokens of the head. */
  protected readonly frequent: number;
  /** Room for logits and probabilities of head or tail, one after the other. */
  readonly #scratch: Address;
  /** [rows]: each row's target among head and clusters. */
  protected readonly headTargets: Address;
  /** [rows], the rows' negative log-likelihoods within a cluster. */
  protected readonly tailNll: Address;
  /** [chunkRows]: targets within one cluster, 0 for the rows of the others. */
  readonly #within: Address;
  /** Projections of rows, [rows, widest tail]. */
  protected readonly projected: Address;
  /** Probabilities of the clusters, [chunkRows, clusters]. */
  readonly #shares: Address;

  constructor(context: OutputContext, Form: ClassifierForm<C>) {
    const { plan, model, shape, buffers, shared } = context;
    const { hidden, cutoffs } = model;
    const { training } = shape;
    const rows = shape.batch * shape.sequence;
    const tails = tailsOf(model);
    this.context = context;
    this.frequent = cutoffs[0];
    const sizes = [this.frequent + tails.length, ...tails.map((tail) => tail.size)];
    this.#scratch = plan.words(
      Math.max(...sizes.map((n) => chunkRowsOf(rows, n, training) * logitStrideOf(n))),
    );
    const own = { ...context, logits: this.#scratch, packedRows: shared.packedRows, rows, training };
    this.head = new Form(own, {
      size: sizes[0],
      width: hidden,
      weight: placeOf(context, "output.head.weight"),
      bias: placeOf(context, "output.head.bias"),
    });
    this.clusters = tails.map((tail, i) => this.#cluster(Form, own, tail, `output.tail.${i}`));
    this.headTargets = plan.words(rows);
    this.tailNll = plan.words(rows);
    this.#within = plan.words(buffers.chunkRows);
    this.projected = plan.words(rows * tails[0].width);
    this.#shares = plan.words(buffers.chunkRows * tails.length);
  }

  #cluster(Form: ClassifierForm<C>, own: ClassifierContext, tail: Tail, name: string): Cluster<C> {
    const { size, width } = tail;
    return {
      ...tail,
      projection: new Projection(
        { ...this.context, training: own.training },
        { from: this.context.model.hidden, to: width, weight: placeOf(this.context, `${name}.0.weight`) },
      ),
      classifier: new Form(own, {
        size,
        width,
        weight: placeOf(this.context, `${name}.1.weight`),
        bias: null,
      }),
    };
  }

  setTargets(targets: Int32Array): void {
    const { plan, buffers } = this.context;
    plan.integers(buffers.targets, targets.length).set(targets);
    const among = (target: number) =>
      target < this.frequent ? target : this.frequent + this.clusters.findIndex((each) => has(each, target));
    plan.integers(this.headTargets, targets.length).set(targets.map(among));
  }

  pack(theta: Address): void {
    this.head.pack(theta);
    for (const { projection, classifier } of this.clusters) {
      projection.pack(theta);
      classifier.pack(theta);
    }
  }

  probabilities(theta: Address, top: Rows, visit: (chunk: Chunk) => void): void {
    const { tape, model, buffers } = this.context;
    for (const chunk of chunksOf(top.count, buffers.chunkRows)) {
      const part = { at: top.at + 4 * chunk.row * model.hidden, count: chunk.rows };
      this.#frequentProbabilities(theta, part, chunk.row);
      for (const i of this.clusters.keys()) this.#rareProbabilities(theta, part, chunk.row, i);
      tape.js(() => visit(chunk));
    }
  }

  #frequentProbabilities(theta: Address, { at, count }: Some, row: number): void {
    const { tape, plan, buffers } = this.context;
    const { logits, logitStride, nll } = buffers;
    const clusters = this.clusters.length;
    this.head.probabilities(theta, {
      count,
      inputs: at,
      targets: this.headTargets + 4 * row,
      nll: nll + 4 * row,
    });
    tape.js(() => {
      const { copyBytes } = plan.instance.exports;
      for (let r = 0; r < count; r++) {
        const from = this.#scratch + 4 * r * this.head.stride;
        copyBytes(logits + 4 * r * logitStride, from, 4 * this.frequent);
        copyBytes(this.#shares + 4 * r * clusters, from + 4 * this.frequent, 4 * clusters);
      }
    });
  }

  /** A cluster's tokens beside the others, for every row: here no target is known. */
  #rareProbabilities(theta: Address, part: Some, row: number, i: number): void {
    const { tape, plan, buffers } = this.context;
    const { logits, logitStride } = buffers;
    const cluster = this.clusters[i];
    const { first, size, classifier } = cluster;
    const { count } = part;
    const targets = plan.integers(buffers.targets + 4 * row, count);
    tape.js(() => {
      // Rows of other clusters pick a likelihood that is not asked for.
      const within = plan.integers(this.#within, count);
      for (let r = 0; r < count; r++) within[r] = has(cluster, targets[r]) ? targets[r] - first : 0;
    });
    cluster.projection.forward(part, this.projected);
    const [inputs, nll] = [this.projected, this.tailNll];
    classifier.probabilities(theta, { count, inputs, targets: this.#within, nll });
    tape.k.placeCluster({
      out: logits + 4 * first,
      outStride: logitStride,
      p: this.#scratch,
      stride: classifier.stride,
      factors: this.#shares + 4 * i,
      factorStride: this.clusters.length,
      rows: count,
      width: size,
    });
    tape.js(() => {
      const all = plan.floats(buffers.nll + 4 * row, count);
      const own = plan.floats(nll, count);
      for (let r = 0; r < count; r++) if (has(cluster, targets[r])) all[r] += own[r];
    });
  }
}

export function has({ first, size }: Tail, target: number): boolean {
  return target >= first && target < first + size;
}
