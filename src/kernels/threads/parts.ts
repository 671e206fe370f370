/** @module Work in parts, one for each thread that is awake: how many are worth it, and where they begin. */
import { MOST_PIECES } from "./control.ts";
import type { Attachment, ThreadPool } from "./pool.ts";
import type { Task, Units } from "./task.ts";

/** A part is at least so long; a dispatch costs about one microsecond. */
const LEAST_NANOSECONDS = 5000;
/** Pieces that any thread may take are at least so long, and parts that are cut into them four times that. */
const PIECE_NANOSECONDS = 20_000;
/** Of work that is cut into pieces, what is each part's own to begin with. */
const RESERVED = 0.75;

/** Where part `p` of `parts` begins; where part `parts` would is the end. */
export function edge(p: number, parts: number, size: number, granule: number): number {
  return Math.min(size, Math.floor((Math.ceil(size / granule) * p) / parts) * granule);
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
    Math.floor(((granules * p) / parts) * (cut ? RESERVED : 1)),
  );
  if (cut)
    for (let at = Math.floor(granules * RESERVED); at < granules && found.length < MOST_PIECES; ) {
      found.push(at);
      at += Math.max(least, Math.floor((granules - at) / (2 * parts)));
    }
  found.push(granules);
  return found.map((at) => Math.min(size, at * granule));
}

/** A pool as one instance sees it. */
export class Parts {
  readonly #pool: ThreadPool;
  readonly #attachment: Attachment;

  constructor(pool: ThreadPool, attachment: Attachment) {
    this.#pool = pool;
    this.#attachment = attachment;
  }

  get threads(): number {
    return this.#pool.count;
  }

  /** Parts for work of `nanoseconds` that has so many pieces. */
  of(nanoseconds: number, pieces: number): number {
    const most = Math.min(this.threads, pieces, Math.floor(nanoseconds / LEAST_NANOSECONDS));
    return most < 2 ? 1 : this.#pool.muster(this.#attachment, most);
  }

  /** The empty list of what a part does. */
  begin(part: number): Task {
    const task = this.#pool.task(part);
    task.begin(this.#attachment.id);
    return task;
  }

  /** Does what the parts' lists say. */
  run(parts: number): void {
    this.#pool.run(this.#attachment, parts);
  }

  /** Does one call in parts and pieces, which begin at `starts`. */
  share(units: Units, parts: number, starts: readonly number[]): void {
    this.#pool.share(this.#attachment, units, parts, starts);
  }

  resultsOf(part: number): Float64Array {
    return this.#pool.resultsOf(part);
  }
}
