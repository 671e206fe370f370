/** @module A queue of merges: the lowest rank first, of equal ranks the leftmost. */

/** Ranks below 2²⁷ and places below 2²⁶ share one number. */
const PLACES = 2 ** 26;

export class RankQueue {
  /** Of the merge taken last. */
  rank = 0;
  place = 0;
  readonly #heap: number[] = [];

  push(rank: number, place: number): void {
    const heap = this.#heap;
    const key = rank * PLACES + place;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent] <= key) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = key;
  }

  /** Takes the first merge; false where there is none. */
  pop(): boolean {
    const heap = this.#heap;
    if (heap.length === 0) return false;
    const first = heap[0];
    this.rank = Math.floor(first / PLACES);
    this.place = first - this.rank * PLACES;
    const last = heap.pop()!;
    if (heap.length > 0) this.#sink(last);
    return true;
  }

  #sink(key: number): void {
    const heap = this.#heap;
    const { length } = heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && heap[child + 1] < heap[child]) child++;
      if (heap[child] >= key) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = key;
  }
}
