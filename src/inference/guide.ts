/** @module What every guide does in a minibatch: draw the weights, gather gradients, update itself. */
import type { KernelExports } from "../kernels/generated/signatures.ts";
import type { MemoryPlan } from "../kernels/memory.ts";
import type { Seed } from "../kernels/random.ts";
import type { Layout, Segment } from "../model/layout.ts";
import { PART, type Slices, sliceOf, unitsOfPart, Work } from "../model/work.ts";
import type { Sparse } from "./ranges.ts";
import { State } from "./state.ts";

export interface GuideContext {
  readonly plan: MemoryPlan;
  readonly layout: Layout;
  readonly seed: Seed;
  /** Steps of the whole run. */
  readonly steps: number;
  /** Effective number of tokens: the weight of the KL in the ELBO per token is 1 / lambda. */
  readonly lambda: number;
}

/** Where a step stands in its run. */
export interface Position {
  /** 0-based index of the update. */
  readonly step: number;
  readonly learningRate: number;
  /** Scored tokens of the minibatch. */
  readonly tokens: number;
}

export interface Update {
  /** Global 2-norm of the minibatch's gradient before clipping. */
  readonly gradientNorm: number;
}

/** Quantiles over the weights of h / h0: 0.05, 0.5, 0.95. */
export interface HessianRatio {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

export interface Guide {
  /** Address of the weights that the network reads: a draw, or the mean itself. */
  readonly theta: number;
  readonly mean: number;
  /** Everything that resuming needs, the mean among it. */
  readonly state: State;
  /** Where the network writes its gradient. */
  readonly gradient: number;
  readonly particles: number;
  /** Starts from a mean and, for a warm start or training on, its precision. */
  start(mean: Float32Array, precision: Float32Array | null): Slices;
  /**
   * Draws the weights of one particle.
   * @param embeddings ids of the embedding's rows that the network will read; null for all. The gradient of others
   * is 0
   */
  draw(position: Position, particle: number, embeddings?: Int32Array | null): Slices;
  /** Takes in the gradient of one particle. */
  gather(position: Position, particle: number): Slices;
  update(position: Position): Slices<Update>;
  /** KL(q‖p) in nats, 0 for maximum likelihood. */
  kl(): Slices<number>;
  /** Weight of the KL at a step: 1 but in a warm-up. */
  klWeight(position: Position): number;
  /** Size of the noise at a step, relative to the posterior's. */
  noise(position: Position): number;
  /** Copies the posterior out; false where there is none but the mean. */
  precision(out: Float32Array): Slices<boolean>;
  hessianRatio(): HessianRatio | null;
}

/** Where the next segment may begin: kernels also touch the gap, which must hold numbers. */
export function padded(end: number): number {
  return Math.ceil(end / 16) * 16;
}

const BYTES = 4;
/** Operations that take as long as one weight's share of a pass over several vectors. */
const PASS = 150;

/** Part of a segment, visited at a time. */
export interface Part {
  readonly segment: Segment;
  /** Place of the segment among all. */
  readonly index: number;
  /** First element in the flat vector, a multiple of 16, and number of elements. */
  readonly offset: number;
  readonly size: number;
  /** Whether a gradient other than 0 is possible. */
  readonly read: boolean;
}

/** Rows of a segment: a unit's or a token's weights each, a bias as a whole. */
export interface Rows {
  readonly segment: Segment;
  /** Place of the first among all rows. */
  readonly first: number;
  readonly count: number;
  /** Weights of each. */
  readonly width: number;
}

/** What the guides share: the flat arrays, and the walk over segments in slices. */
export class Vectors {
  readonly plan: MemoryPlan;
  readonly k: KernelExports;
  readonly layout: Layout;
  readonly state: State;
  readonly #work: Work;

  constructor(context: GuideContext) {
    this.plan = context.plan;
    this.k = context.plan.instance.exports;
    this.layout = context.layout;
    this.state = new State(context.plan);
    this.#work = new Work(sliceOf(context.plan.instance));
  }

  /** Address of a new array over the flat vector; with a name it is part of the state. */
  array(name?: string): number {
    const { length } = this.layout;
    return name === undefined ? this.plan.words(length) : this.state.array(name, length);
  }

  /**
   * Visits the flat vector segment by segment, large ones in parts: no kernel call is longer than a slice.
   * @param some segment to visit by ranges
   */
  *each(visit: (part: Part, byteOffset: number) => void, some: Sparse | null = null): Slices {
    for (const [index, segment] of this.layout.segments.entries()) {
      const part = (from: number, size: number, read = true) => {
        const offset = segment.offset + from;
        visit({ segment, index, offset, size, read }, offset * BYTES);
      };
      if (segment === some?.segment)
        for (const { from, size, read } of some.ranges) {
          part(from, size, read);
          yield* this.#work.spend(PASS * size);
        }
      else yield* this.#work.parts(segment.size, PART, PASS, part);
    }
  }

  /** Copies a flat vector in or out, in parts. */
  copy(to: Float32Array, from: Float32Array): Slices {
    return this.#work.parts(this.layout.length, PART, PASS, (at, size) => {
      to.set(from.subarray(at, at + size), at);
    });
  }

  /** Visits every segment row by row, many at a time. */
  *rows(segments: readonly Rows[], visit: (part: Rows, byteOffset: number) => void): Slices {
    for (const { segment, first, count, width } of segments)
      yield* this.#work.parts(count, unitsOfPart(width), PASS * width, (from, part) => {
        const offset = segment.offset + from * width;
        visit({ segment, first: first + from, count: part, width }, offset * BYTES);
      });
  }

  view(address: number): Float32Array {
    return this.plan.floats(address, this.layout.length);
  }

  /** Global 2-norm of a flat vector. */
  *norm(address: number): Slices<number> {
    let sum = 0;
    yield* this.each(({ size }, at) => {
      sum += this.k.sumSquares(address + at, size);
    });
    return Math.sqrt(sum);
  }
}

/** Factor that brings a gradient of this norm within the bound. */
export function clipFactor(norm: number, bound: number): number {
  return norm > bound ? bound / norm : 1;
}
