/** @module A curve in one line of text. */

const BARS = "▁▂▃▄▅▆▇█";

/** Values of a run of any length: whenever they are too many to draw, neighbours are averaged. */
export class Sparkline {
  readonly #width: number;
  #points: number[] = [];
  #perPoint = 1;
  #sum = 0;
  #pending = 0;

  /** @param width an even number; fewer characters than that are drawn */
  constructor(width: number) {
    this.#width = width;
  }

  add(value: number): void {
    this.#sum += value;
    if (++this.#pending < this.#perPoint) return;
    this.#points.push(this.#sum / this.#pending);
    this.#sum = this.#pending = 0;
    if (this.#points.length < this.#width) return;
    const pairs = this.#points.filter((_, i) => i % 2 === 0);
    this.#points = pairs.map((value, i) => (value + this.#points[2 * i + 1]) / 2);
    this.#perPoint *= 2;
  }

  toString(): string {
    const least = Math.min(...this.#points);
    const range = Math.max(...this.#points) - least || 1;
    return this.#points.map((v) => BARS[Math.min(7, Math.floor((8 * (v - least)) / range))]).join("");
  }
}
