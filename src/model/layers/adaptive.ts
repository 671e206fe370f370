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
import { Classifier, type ClassifierContext, chunkRowsOf, chunksOf, logitStrideOf } from "./classifier.ts";
import { placeOf, type Rows, type Tensor, wordsIf } from "./layer.ts";
import type { Chunk, OutputContext, OutputGradients, OutputLayer } from "./output.ts";
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
interface Cluster extends Tail {
  readonly projection: Projection;
  readonly classifier: Classifier;
}

/** Rows of the window whose targets are in one cluster: a range of `members` and of the arrays beside it. */
interface Group {
  from: number;
  count: number;
}

/** Some of the outputs of the last layer. */
type Some = Pick<Rows, "at" | "count">;

export class AdaptiveSoftmax implements OutputLayer {
  readonly #context: OutputContext;
  readonly #head: Classifier;
  readonly #clusters: readonly Cluster[];
  readonly #groups: readonly Group[];
  /** Tokens of the head. */
  readonly #frequent: number;
  /** Room for logits and probabilities of head or tail, one after the other. */
  readonly #scratch: Address;
  /** [rows]: each row's target among head and clusters. */
  readonly #headTargets: Address;
  /** [rows], cluster by cluster: the rows, their targets within it, their negative log-likelihoods in it. */
  readonly #members: Address;
  readonly #tailTargets: Address;
  readonly #tailNll: Address;
  /** [chunkRows]: targets within one cluster, 0 for the rows of the others. */
  readonly #within: Address;
  /** A cluster's rows, [rows, hidden], their projections, [rows, widest tail], and the gradients of these. */
  readonly #gathered: Address;
  readonly #projected: Address;
  readonly #dProjected: Address;
  /** Probabilities of the clusters, [chunkRows, clusters]. */
  readonly #shares: Address;

  constructor(context: OutputContext) {
    const { plan, model, shape, buffers, shared } = context;
    const { hidden, cutoffs } = model;
    const { training } = shape;
    const rows = shape.batch * shape.sequence;
    const tails = tailsOf(model);
    this.#context = context;
    this.#frequent = cutoffs[0];
    const sizes = [this.#frequent + tails.length, ...tails.map((tail) => tail.size)];
    this.#scratch = plan.words(
      Math.max(...sizes.map((n) => chunkRowsOf(rows, n, training) * logitStrideOf(n))),
    );
    const own = { ...context, logits: this.#scratch, packedRows: shared.packedRows, rows, training };
    this.#head = new Classifier(own, {
      size: sizes[0],
      width: hidden,
      weight: placeOf(context, "output.head.weight"),
      bias: placeOf(context, "output.head.bias"),
    });
    this.#clusters = tails.map((tail, i) => this.#cluster(own, tail, `output.tail.${i}`));
    this.#groups = tails.map(() => ({ from: 0, count: 0 }));
    this.#headTargets = plan.words(rows);
    this.#members = plan.words(rows);
    this.#tailTargets = plan.words(rows);
    this.#tailNll = plan.words(rows);
    this.#within = plan.words(buffers.chunkRows);
    this.#gathered = plan.words(rows * hidden);
    this.#projected = plan.words(rows * tails[0].width);
    this.#dProjected = wordsIf(plan, training, rows * tails[0].width);
    this.#shares = plan.words(buffers.chunkRows * tails.length);
  }

  #cluster(own: ClassifierContext, tail: Tail, name: string): Cluster {
    const { size, width } = tail;
    return {
      ...tail,
      projection: new Projection(
        { ...this.#context, training: own.training },
        { from: this.#context.model.hidden, to: width, weight: placeOf(this.#context, `${name}.0.weight`) },
      ),
      classifier: new Classifier(own, {
        size,
        width,
        weight: placeOf(this.#context, `${name}.1.weight`),
        bias: null,
      }),
    };
  }

  /** Sorts the rows by the cluster of their target, each cluster's in their order. */
  setTargets(targets: Int32Array): void {
    const { plan, buffers } = this.#context;
    const rows = targets.length;
    plan.integers(buffers.targets, rows).set(targets);
    const headTargets = plan.integers(this.#headTargets, rows);
    const members = plan.integers(this.#members, rows);
    const tailTargets = plan.integers(this.#tailTargets, rows);
    for (let r = 0; r < rows; r++) headTargets[r] = targets[r] < this.#frequent ? targets[r] : -1;
    let placed = 0;
    this.#clusters.forEach(({ first, size }, i) => {
      const from = placed;
      for (let r = 0; r < rows; r++) {
        const target = targets[r] - first;
        if (target < 0 || target >= size) continue;
        headTargets[r] = this.#frequent + i;
        members[placed] = r;
        tailTargets[placed++] = target;
      }
      this.#groups[i].from = from;
      this.#groups[i].count = placed - from;
    });
  }

  pack(theta: Address): void {
    this.#head.pack(theta);
    for (const { projection, classifier } of this.#clusters) {
      projection.pack(theta);
      classifier.pack(theta);
    }
  }

  loss(theta: Address, top: Rows, gradients: OutputGradients | null, take: (nll: number) => void): void {
    const { tape, buffers, window } = this.#context;
    let total = 0;
    const add = (nll: number) => {
      total += nll;
    };
    const rows = { count: top.count, inputs: top.at, targets: this.#headTargets, nll: buffers.nll };
    this.#head.loss(theta, rows, window.scored, gradients, add);
    this.#clusters.forEach((cluster, i) => {
      this.#tailLoss(theta, top, cluster, this.#groups[i], gradients, add);
    });
    tape.js(() => take(total));
  }

  #tailLoss(
    theta: Address,
    top: Rows,
    cluster: Cluster,
    { from, count }: Group,
    gradients: OutputGradients | null,
    take: (nll: number) => void,
  ): void {
    const { tape, buffers, model, window } = this.#context;
    const width = model.hidden;
    if (count === 0) {
      if (gradients) this.#clearGradients(cluster, gradients.flat);
      return;
    }
    const ids = this.#members + 4 * from;
    const nll = this.#tailNll + 4 * from;
    tape.k.gatherRows({ out: this.#gathered, table: top.at, ids, rows: count, width });
    const gathered = { at: this.#gathered, count };
    cluster.projection.forward(gathered, this.#projected);
    const own = gradients && { flat: gradients.flat, inputs: this.#dProjected };
    const targets = this.#tailTargets + 4 * from;
    cluster.classifier.loss(
      theta,
      { count, inputs: this.#projected, targets, nll },
      window.scored,
      own,
      take,
    );
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
    const { tape, model } = this.#context;
    tape.k.fillZero({ out: gradient + projection.shape.weight, bytes: 4 * width * model.hidden });
    tape.k.fillZero({ out: gradient + classifier.shape.weight, bytes: 4 * size * width });
  }

  probabilities(theta: Address, top: Rows, visit: (chunk: Chunk) => void): void {
    const { tape, model, buffers } = this.#context;
    for (const chunk of chunksOf(top.count, buffers.chunkRows)) {
      const part = { at: top.at + 4 * chunk.row * model.hidden, count: chunk.rows };
      this.#frequentProbabilities(theta, part, chunk.row);
      for (const i of this.#clusters.keys()) this.#rareProbabilities(theta, part, chunk.row, i);
      tape.js(() => visit(chunk));
    }
  }

  #frequentProbabilities(theta: Address, { at, count }: Some, row: number): void {
    const { tape, plan, buffers } = this.#context;
    const { logits, logitStride, nll } = buffers;
    const clusters = this.#clusters.length;
    this.#head.probabilities(theta, {
      count,
      inputs: at,
      targets: this.#headTargets + 4 * row,
      nll: nll + 4 * row,
    });
    tape.js(() => {
      const { copyBytes } = plan.instance.exports;
      for (let r = 0; r < count; r++) {
        const from = this.#scratch + 4 * r * this.#head.stride;
        copyBytes(logits + 4 * r * logitStride, from, 4 * this.#frequent);
        copyBytes(this.#shares + 4 * r * clusters, from + 4 * this.#frequent, 4 * clusters);
      }
    });
  }

  /** A cluster's tokens beside the others, for every row: here no target is known. */
  #rareProbabilities(theta: Address, part: Some, row: number, i: number): void {
    const { tape, plan, buffers } = this.#context;
    const { logits, logitStride } = buffers;
    const cluster = this.#clusters[i];
    const { first, size, classifier } = cluster;
    const { count } = part;
    const targets = plan.integers(buffers.targets + 4 * row, count);
    tape.js(() => {
      // Rows of other clusters pick a likelihood that is not asked for.
      const within = plan.integers(this.#within, count);
      for (let r = 0; r < count; r++) within[r] = has(cluster, targets[r]) ? targets[r] - first : 0;
    });
    cluster.projection.forward(part, this.#projected);
    const [inputs, nll] = [this.#projected, this.#tailNll];
    classifier.probabilities(theta, { count, inputs, targets: this.#within, nll });
    tape.k.placeCluster({
      out: logits + 4 * first,
      outStride: logitStride,
      p: this.#scratch,
      stride: classifier.stride,
      factors: this.#shares + 4 * i,
      factorStride: this.#clusters.length,
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

function has({ first, size }: Tail, target: number): boolean {
  return target >= first && target < first + size;
}
