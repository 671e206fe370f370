/** @module Cases of a campaign: some at a time, within a time, told as they come. */

/** Milliseconds between two lines that say how far a part is. */
const TOLD = 10_000;

export interface Outcome {
  /** Cases that were tried, and how many of them came out right. */
  readonly made: number;
  readonly right: number;
}

export class Campaign {
  readonly failures: string[] = [];
  readonly #processes: number;
  readonly #began = performance.now();
  readonly #until: number;

  constructor(processes: number, seconds: number) {
    this.#processes = processes;
    this.#until = this.#began + 1000 * seconds;
  }

  say(text: string): void {
    const seconds = ((performance.now() - this.#began) / 1000).toFixed(0);
    process.stderr.write(`${seconds.padStart(5)} s  ${text}\n`);
  }

  expect(what: string, holds: boolean, found: unknown): boolean {
    if (holds) return true;
    const failure = `${what}: ${typeof found === "string" ? found : JSON.stringify(found)}`;
    this.failures.push(failure);
    this.say(`FAILED ${failure}`);
    return false;
  }

  /**
   * Tries cases 0 to count - 1, some at a time.
   * @param once whether a case came out right
   */
  async each(what: string, count: number, once: (i: number) => Promise<boolean>): Promise<Outcome> {
    let [next, made, right, told] = [0, 0, 0, performance.now()];
    const lane = async () => {
      while (next < count && performance.now() < this.#until) {
        if (await once(next++)) right++;
        made++;
        if (performance.now() - told < TOLD) continue;
        told = performance.now();
        this.say(`${what}: ${right} right of ${made}, of ${count}`);
      }
    };
    await Promise.all(Array.from({ length: this.#processes }, lane));
    this.expect(`${what}, all within the time`, made === count, `${made} of ${count}`);
    this.say(`${what}: ${right} of ${count}`);
    return { made, right };
  }
}
