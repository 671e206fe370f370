/** @module What the caller's side holds of a worker: handles, and runs that are pulled from here. */
import { SviError } from "../errors.ts";
import type { Connection } from "./connection.ts";
import type { Handle, Job } from "./protocol.ts";

/** What everything of one worker holds; private to this folder. */
export const CONNECTION = Symbol("connection");
export const HANDLE = Symbol("handle");

export abstract class Remote {
  readonly [CONNECTION]: Connection;
  readonly [HANDLE]: Handle;

  constructor(connection: Connection, handle: Handle) {
    this[CONNECTION] = connection;
    this[HANDLE] = handle;
    connection.own(this, handle);
  }

  /** Vue and its like leave it as it is: its worker would not know a proxy of it. */
  get [Symbol.toStringTag](): string {
    return "svi-lm";
  }
}

/** @throws SviError `E_OPTION` for what is not of this worker */
export function handleOf(connection: Connection, what: Remote): Handle {
  if (what?.[CONNECTION] === connection) return what[HANDLE];
  throw new SviError("E_OPTION", "A model or a corpus is not of this worker", {
    value: what,
    remedy: "Make both by the same connect()",
  });
}

/** A run in the worker, pulled from here. */
export async function* iterate<T>(
  connection: Connection,
  signal: AbortSignal | undefined,
  begin: (job: Job) => Promise<void>,
  until?: (value: T) => boolean,
): AsyncGenerator<T, void, void> {
  const job = connection.job();
  /** Whether the worker has a run that is neither done nor failed. */
  let running = false;
  let leaving = true;
  const next = async () => {
    if (!running) await begin(job);
    running = false;
    const value = (await connection.call("next", job)) as T | undefined;
    running = value !== undefined;
    return value;
  };
  try {
    for (;;) {
      const value = await connection.heeding(signal, job, next);
      if (value === undefined) return;
      yield value;
      if (!until?.(value)) continue;
      leaving = false;
      return;
    }
  } finally {
    if (running && !connection.dead) await connection.call("close", job, leaving);
  }
}
