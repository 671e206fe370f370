/** @module Many texts at once: the worker asks for them as it needs them, and gives what it finds in their order. */
import type { SviError } from "../errors.ts";
import { type Texts, windows } from "../prediction/windows.ts";
import type { Connection } from "./connection.ts";
import type { Callback, Job, WireFound } from "./protocol.ts";
import { iterate } from "./remote.ts";
import { fromWire } from "./wire.ts";

/** What stands for a text that nothing could be found of. */
interface Failure {
  readonly index: number;
  readonly error: SviError;
}

export async function* answers<Found extends object>(
  connection: Connection,
  texts: Texts,
  signal: AbortSignal | undefined,
  begin: (job: Job, pull: Callback) => Promise<void>,
): AsyncGenerator<Found | Failure, void, void> {
  const left = new AbortController();
  const source = windows(texts, left.signal);
  const pull = connection.keep(async () => (await source.next()).value ?? null);
  try {
    const all = iterate<WireFound<Found>>(connection, signal, (job) => begin(job, pull));
    for await (const found of all)
      yield "failure" in found ? { index: found.index, error: fromWire(found.failure) as SviError } : found;
  } finally {
    connection.forget(pull);
    // Texts that do not come are not waited for.
    left.abort();
    await source.return();
  }
}
