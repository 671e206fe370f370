/**
 * @module The output layer for large vocabularies: Grave, Joulin, Cissé, Grangier and Jégou (2017), Efficient softmax
 * approximation for GPUs; tensors as in PyTorch's AdaptiveLogSoftmaxWithLoss with a bias in the head.
 *
 * The head tells frequent tokens and clusters of rarer ones apart, a tail the tokens of its cluster:
 * p(w) = p(cluster)·p(w | cluster). A loss computes each tail for the rows alone whose target is in it; what it
 * leaves out does not enter the likelihood, so nothing is approximated. Probabilities are those of all tokens.
 */
import type { KernelExports } from "../kernels/generated/signatures.ts";
import { Classifier, type ClassifierContext, chunkRowsOf, logitStrideOf } from "./classifier.ts";
import { type Tail, tailsOf } from "./clusters.ts";
import type { Chunk, OutputContext, OutputLayer, TopRows } from "./outputLayer.ts";
import { gatherRows, scatterRows, zero } from "./passes.ts";
import type { Slices } from "./work.ts";

const BYTES = 4;

/** A tail and the projection to its width; parameters are byte offsets into the flat vector, the rest addresses. */
interface Cluster extends Tail {
  readonly projection: number;
  readonly packed: number;
  readonly packedBack: number;
  readonly classifier: Classifier;
}

/** Rows of the window whose targets are in one cluster: a stretch of `members` and of the arrays beside it. */
interface Group {
  from: number;
  count: number;
}

export class AdaptiveSoftmax implements OutputLayer {
  readonly #context: OutputContext;
  readonly #k: KernelExports;
  readonly #head: Classifier;
  readonly #clusters: readonly Cluster[];
  readonly #groups: readonly Group[];
  /** Tokens of the head. */
  readonly #frequent: number;
  /** Room for logits and probabilities of head or tail, one after the other. */
  readonly #scratch: number;
  /** [rows]: each row's target among head and clusters. */
  readonly #headTargets: number;
  /** [rows], cluster by cluster: the rows, their targets within it, their negative log-likelihoods in it. */
  readonly #members: number;
  readonly #tailTargets: number;
  readonly #tailNll: number;
  /** [chunkRows]: targets within one cluster, 0 for the rows of the others. */
  readonly #within: number;
  /** A cluster's rows, [rows, hidden], their projections, [rows, widest tail], and the gradients of these. */
  readonly #gathered: number;
  readonly #projected: number;
  readonly #dProjected: number;
  /** Probabilities of the clusters, [chunkRows, clusters]. */
  readonly #shares: number;

  constructor(context: OutputContext) {
    const { plan, model, layout, buffers, rows, training } = context;
    const { hidden, cutoffs } = model;
    const tails = tailsOf(model);
    this.#context = context;
    this.#k = context.products.kernels;
    this.#frequent = cutoffs[0];
    const sizes = [this.#frequent + tails.length, ...tails.map((tail) => tail.size)];
    this.#scratch = plan.words(
      Math.max(...sizes.map((n) => chunkRowsOf(rows, n, training) * logitStrideOf(n))),
    );
    const offset = (name: string) => layout.find(`output.${name}`).offset * BYTES;
    const shared = { ...context, logits: this.#scratch, packedRows: buffers.packedRows };
    this.#head = new Classifier(shared, {
      size: sizes[0],
      width: hidden,
      weight: offset("head.weight"),
      bias: offset("head.bias"),
    });
    this.#clusters = tails.map((tail, i) =>
      this.#cluster(shared, tail, (part) => offset(`tail.${i}.${part}`)),
    );
    this.#groups = tails.map(() => ({ from: 0, count: 0 }));
    this.#headTargets = plan.words(rows);
    this.#members = plan.words(rows);
    this.#tailTargets = plan.words(rows);
    this.#tailNll = plan.words(rows);
    this.#within = plan.words(buffers.chunkRows);
    this.#gathered = plan.words(rows * hidden);
    this.#projected = plan.words(rows * tails[0].width);
    this.#dProjected = training ? plan.words(rows * tails[0].width) : 0;
    this.#shares = plan.words(buffers.chunkRows * tails.length);
  }

  #cluster(shared: ClassifierContext, tail: Tail, offset: (part: string) => number): Cluster {
    const { products, training } = shared;
    const { hidden } = this.#context.model;
    const { size, width } = tail;
    return {
      ...tail,
      projection: offset("0.weight"),
      packed: products.planPacked(width, hidden),
      packedBack: training ? products.planPacked(hidden, width) : 0,
      classifier: new Classifier(shared, { size, width, weight: offset("1.weight"), bias: null }),
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

  *pack(theta: number): Slices {
    const { products, model } = this.#context;
    const { hidden } = model;
    yield* this.#head.pack(theta);
    for (const { projection, width, packed, packedBack, classifier } of this.#clusters) {
      yield* products.packRows(packed, theta + projection, hidden, hidden, width);
      if (packedBack) yield* products.packColumns(packedBack, theta + projection, hidden, width, hidden);
      yield* classifier.pack(theta);
    }
  }

  *loss(theta: number, top: TopRows, gradient: number): Slices<number> {
    const { nll, dAbove } = this.#context.buffers;
    let total = yield* this.#head.loss(
      theta,
      { count: top.count, inputs: top.at, targets: this.#headTargets, nll },
      top.count,
      gradient ? { flat: gradient, inputs: dAbove } : null,
    );
    for (const [i, cluster] of this.#clusters.entries())
      total += yield* this.#tailLoss(theta, top, cluster, this.#groups[i], gradient);
    return total;
  }

  *#tailLoss(
    theta: number,
    top: TopRows,
    cluster: Cluster,
    { from, count }: Group,
    gradient: number,
  ): Slices<number> {
    const { buffers, model, products } = this.#context;
    const { hidden } = model;
    if (count === 0) {
      if (gradient) yield* this.#clearGradients(cluster, gradient);
      return 0;
    }
    const members = this.#members + from * BYTES;
    const nll = this.#tailNll + from * BYTES;
    yield* gatherRows(products, this.#k, this.#gathered, top.at, members, count, hidden);
    yield* this.#project(cluster, { at: this.#gathered, count });
    const total = yield* cluster.classifier.loss(
      theta,
      { count, inputs: this.#projected, targets: this.#tailTargets + from * BYTES, nll },
      top.count,
      gradient ? { flat: gradient, inputs: this.#dProjected } : null,
    );
    this.#k.scatterAddRows(buffers.nll, nll, members, count, 1);
    if (!gradient) return total;
    yield* this.#projectionGradients(cluster, count, gradient);
    yield* scatterRows(products, this.#k, buffers.dAbove, this.#gathered, members, count, hidden);
    return total;
  }

  *#project({ width, packed }: Cluster, { at, count }: TopRows): Slices {
    const { products, model } = this.#context;
    yield* products.multiply([count, width, model.hidden], { at, stride: model.hidden }, packed, {
      at: this.#projected,
      stride: width,
    });
  }

  /** Gradient of the projection; those of the gathered rows take their place. */
  *#projectionGradients({ projection, width, packedBack }: Cluster, count: number, gradient: number): Slices {
    const { products, model, buffers } = this.#context;
    const { hidden } = model;
    const dProjected = { at: this.#dProjected, stride: width };
    yield* products.packColumns(buffers.packedRows, this.#gathered, hidden, count, hidden);
    yield* products.multiply(
      [width, hidden, count],
      { ...dProjected, transposed: true },
      buffers.packedRows,
      { at: gradient + projection, stride: hidden },
    );
    yield* products.multiply([count, hidden, width], dProjected, packedBack, {
      at: this.#gathered,
      stride: hidden,
    });
  }

  *#clearGradients({ size, width, projection, classifier }: Cluster, gradient: number): Slices {
    const { products, model } = this.#context;
    yield* zero(products, this.#k, gradient + projection, width * model.hidden);
    yield* zero(products, this.#k, gradient + classifier.shape.weight, size * width);
  }

  *probabilities(theta: number, top: TopRows): Generator<Chunk | undefined, void, void> {
    const { model, buffers } = this.#context;
    for (let row = 0; row < top.count; row += buffers.chunkRows) {
      const rows = Math.min(buffers.chunkRows, top.count - row);
      const part = { at: top.at + row * model.hidden * BYTES, count: rows };
      for (const _ of this.#frequentProbabilities(theta, part, row)) yield undefined;
      for (const i of this.#clusters.keys())
        for (const _ of this.#rareProbabilities(theta, part, row, i)) yield undefined;
      yield { row, rows };
    }
  }

  *#frequentProbabilities(theta: number, { at, count }: TopRows, row: number): Slices {
    const { logits, logitStride, nll } = this.#context.buffers;
    const clusters = this.#clusters.length;
    const offset = row * BYTES;
    yield* this.#head.probabilities(theta, {
      count,
      inputs: at,
      targets: this.#headTargets + offset,
      nll: nll + offset,
    });
    for (let r = 0; r < count; r++) {
      const from = this.#scratch + r * this.#head.stride * BYTES;
      this.#k.copyBytes(logits + r * logitStride * BYTES, from, this.#frequent * BYTES);
      this.#k.copyBytes(this.#shares + r * clusters * BYTES, from + this.#frequent * BYTES, clusters * BYTES);
    }
  }

  /** A cluster's tokens beside the others, for every row: here no target is known. */
  *#rareProbabilities(theta: number, part: TopRows, row: number, i: number): Slices {
    const { plan, buffers } = this.#context;
    const { logits, logitStride } = buffers;
    const cluster = this.#clusters[i];
    const { first, size, classifier } = cluster;
    const { count } = part;
    const targets = plan.integers(buffers.targets + row * BYTES, count);
    const within = plan.integers(this.#within, count);
    // Rows of other clusters pick a likelihood that is not asked for.
    for (let r = 0; r < count; r++) within[r] = this.#has(cluster, targets[r]) ? targets[r] - first : 0;
    yield* this.#project(cluster, part);
    yield* classifier.probabilities(theta, {
      count,
      inputs: this.#projected,
      targets: this.#within,
      nll: this.#tailNll,
    });
    this.#k.placeCluster(
      logits + first * BYTES,
      logitStride,
      this.#scratch,
      classifier.stride,
      this.#shares + i * BYTES,
      this.#clusters.length,
      count,
      size,
    );
    const nll = plan.floats(buffers.nll + row * BYTES, count);
    const inCluster = plan.floats(this.#tailNll, count);
    for (let r = 0; r < count; r++) if (this.#has(cluster, targets[r])) nll[r] += inCluster[r];
  }

  #has({ first, size }: Tail, target: number): boolean {
    return target >= first && target < first + size;
  }
}
