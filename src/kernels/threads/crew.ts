/**
 * @module How calls are split over threads: as kernels may be cut, one part for each thread that is awake. A sum over a
 * flat array is one of fixed blocks, each added up by itself, then all in their order.
 */
import type { KernelCalls } from "../calls.ts";
import { type Cut, type Kernel, SUM_BLOCK, type Way } from "../cuts.ts";
import type { KernelExports } from "../generated/signatures.ts";
import type { Crew } from "../kernels.ts";
import { type Named, positional, type Step, turned } from "../tape.ts";
import { allCalls } from "../trainingCalls.ts";
import { MOST_PIECES, MOST_RESULTS } from "./control.ts";
import type { Units } from "./job.ts";
import type { Attachment, ThreadPool } from "./pool.ts";

/** A part is at least so long; a dispatch costs about one microsecond. */
const LEAST_NANOSECONDS = 5000;
/** Pieces that any thread may take are at least so long, and parts that are cut into them four times that. */
const PIECE_NANOSECONDS = 20_000;
/** Of work that is cut into pieces, what is each part's own to begin with. */
const RESERVED = 0.75;
/** Of the time of all threads, what a split of a loop by lanes must make use of. */
const LEAST_USE = 0.8;
/** Floats of weights up to which each thread reads all of them at every turn, 4 MiB: more are not in a near cache. */
const NEAR_WEIGHTS = 2 ** 20;
/** What counts the lanes in kernels that loops are made of. */
const LANES: ReadonlySet<string> = new Set(["m", "rows", "batch"]);
/** Rows of a product's tile; one or two left over are cheaper than a tile. */
const TILE_ROWS = 5;

/** The threads of a pool, as one instance's tape uses them. */
export class PoolCrew implements Crew {
  readonly #calls: KernelCalls = allCalls();
  readonly #pool: ThreadPool;
  readonly #attachment: Attachment;
  readonly #index: ReadonlyMap<string, number>;
  /** Bytes of a thread's own scratch. */
  readonly #scratch: number;

  constructor(pool: ThreadPool, attachment: Attachment, names: readonly string[], scratch: number) {
    this.#pool = pool;
    this.#attachment = attachment;
    this.#index = new Map(names.map((name, i) => [name, i]));
    this.#scratch = scratch;
  }

  /** The kernels for callers by position: what may be cut is, where that is worth it. */
  join(own: KernelExports): KernelExports {
    const kernels = Object.entries(this.#calls).flatMap(([name, { order, cut }]) => {
      const kernel = name as Kernel;
      const alone = own[kernel] as (...values: number[]) => number;
      if (!cut) return [];
      const joined = (...values: number[]) => {
        const args = Object.fromEntries(order.map((argument, i) => [argument, values[i]]));
        return this.call(kernel, args, cut.cost(args)) ?? alone(...values);
      };
      return [[name, joined]];
    });
    return { ...own, ...Object.fromEntries(kernels) };
  }

  call(kernel: Kernel, args: Named, cost: number): number | undefined {
    if (cost < 2 * LEAST_NANOSECONDS) return undefined;
    const cut = this.#calls[kernel]!.cut!;
    const way = cut.ways(args, this.#pool.count).find(({ after }) => !after)!;
    const units = args[way.along];
    const blocks = cut.combine ? Math.ceil(units / SUM_BLOCK) : 0;
    if (blocks > MOST_RESULTS) return undefined;
    const parts = this.#parts(cost, Math.ceil(units / way.granule));
    if (parts === 1) return undefined;
    this.#pool.run(this.#attachment, parts, [this.#units(kernel, args, cut, way, {})], {
      turns: 1,
      parts,
      edges: edges(parts, units, way.granule, cost / units),
      block: cut.combine ? SUM_BLOCK : 0,
    });
    if (!cut.combine) return 0;
    const { results } = this.#pool;
    let total = results[0];
    for (let block = 1; block < blocks; block++) total = cut.combine(total, results[block]);
    return total;
  }

  /** By lanes, which no thread waits for. */
  loop(body: readonly Step[], first: number, turns: number, cost: number): boolean {
    const calls = body.map((step) => {
      const args = turned(step, first);
      const cut = this.#calls[step.kernel]!.cut!;
      const way = cut.ways(args, this.#pool.count).find(({ along }) => LANES.has(along as string))!;
      return { lanes: args[way.along], units: this.#units(step.kernel, args, cut, way, step.moves), args };
    });
    const [{ lanes }] = calls;
    const weights = Math.max(...calls.map(({ args }) => (args.packedB ? args.n * args.k : 0)));
    const parts = this.#parts(cost, lanes);
    if (parts === 1 || weights > NEAR_WEIGHTS) return false;
    if (tiles(lanes) < LEAST_USE * parts * tiles(Math.ceil(lanes / parts))) return false;
    this.#pool.run(
      this.#attachment,
      parts,
      calls.map(({ units }) => units),
      {
        turns,
        parts,
        edges: Array.from({ length: parts + 1 }, (_, p) => edge(p, parts, lanes)),
        block: 0,
      },
    );
    return true;
  }

  /** How many parts work of some length that has so many pieces is worth. */
  #parts(nanoseconds: number, pieces: number): number {
    const most = Math.min(this.#pool.count, pieces, Math.floor(nanoseconds / LEAST_NANOSECONDS));
    return most < 2 ? 1 : this.#pool.muster(this.#attachment, most);
  }

  #units(kernel: Kernel, args: Named, cut: Cut<Named>, way: Way<Named>, turns: Named): Units {
    const { order } = this.#calls[kernel]!;
    return {
      kernel: this.#index.get(kernel)!,
      args: positional(this.#calls[kernel]!, args),
      count: order.indexOf(way.along as string),
      own: cut.own === undefined ? -1 : order.indexOf(cut.own as string),
      apart: this.#scratch,
      moves: order.map((name) => way.moves[name] ?? 0),
      turns: order.map((name) => turns[name] ?? 0),
    };
  }
}

/** Time that a product of so many rows takes, in tiles. */
function tiles(rows: number): number {
  const left = rows % TILE_ROWS;
  return Math.floor(rows / TILE_ROWS) + (left > 2 ? 1 : 0.35 * left);
}

/** Where part `p` of `parts` begins; where part `parts` would is the end. */
function edge(p: number, parts: number, size: number): number {
  return Math.floor((size * p) / parts);
}

/**
 * Where the pieces of `size` units begin, and the end. First one for each part; where the units of `nanoseconds` make
 * parts that are long enough, these are three quarters of them, and the rest is cut finer and finer for whoever is
 * early.
 */
export function edges(parts: number, size: number, granule: number, nanoseconds: number): number[] {
  const granules = Math.ceil(size / granule);
  const least = Math.ceil(PIECE_NANOSECONDS / (granule * nanoseconds));
  const cut = granules >= 4 * least * parts;
  const found = Array.from({ length: parts }, (_, p) =>
    Math.floor(edge(p, parts, granules) * (cut ? RESERVED : 1)),
  );
  if (cut)
    for (let at = Math.floor(granules * RESERVED); at < granules && found.length < MOST_PIECES; ) {
      found.push(at);
      at += Math.max(least, Math.floor((granules - at) / (2 * parts)));
    }
  found.push(granules);
  return found.map((at) => Math.min(size, at * granule));
}
