/** @module Ctrl-C: the first one asks a command to come to its end, the second one ends it. */

/** A person cannot press twice so fast, but npm and a shell can both pass one Ctrl-C on. */
const ECHO_MILLISECONDS = 400;

export class Interruption {
  readonly #controller = new AbortController();
  #at = Number.NEGATIVE_INFINITY;
  /** Milliseconds that work under way may take to come to a good end by itself. */
  grace = 0;
  requested = false;
  /** As shells count them: 130 for Ctrl-C, 143 for SIGTERM, 129 for a terminal that was closed. */
  exitCode = 130;

  /** Aborts once the grace is over. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Listens to the terminal and to `kill`. */
  watch(): void {
    for (const [name, exitCode] of [
      ["SIGINT", 130],
      ["SIGTERM", 143],
      ["SIGHUP", 129],
    ] as const)
      process.on(name, () => this.#heard(exitCode));
  }

  request(): void {
    if (this.requested) return;
    this.requested = true;
    this.#at = performance.now();
    if (this.grace === 0) this.#controller.abort();
    else setTimeout(() => this.#controller.abort(), this.grace).unref();
  }

  #heard(exitCode: number): void {
    if (!this.requested) this.exitCode = exitCode;
    if (this.requested && performance.now() - this.#at > ECHO_MILLISECONDS) {
      if (process.stderr.isTTY) process.stderr.write("\n");
      process.exit(this.exitCode);
    }
    this.request();
  }
}
