/** @module The workers that compute: one for the models at hand, one for what they are compared with. */
import { connect, SviError, type WorkerClient } from "svi-lm/worker";
import { Refusal } from "../parts/notice.ts";
import { lacking } from "../trouble.ts";

type Name = "own" | "rival";

const engines = new Map<Name, Promise<WorkerClient>>();

/** The worker of that name, started where it is not there. @throws Refusal, SviError `E_WORKER` */
export function engine(name: Name): Promise<WorkerClient> {
  const found = engines.get(name);
  if (found) return found;
  const trouble = lacking();
  if (trouble) return Promise.reject(new Refusal(trouble.problem, trouble.remedy));
  const started = connect();
  engines.set(name, started);
  started.catch(() => engines.delete(name));
  return started;
}

/** Forgets a worker that is lost, so that the next who asks starts another. */
export function forget(name: Name): void {
  const lost = engines.get(name);
  engines.delete(name);
  lost?.then((client) => client.terminate()).catch(() => {});
}

export function isLost(error: unknown): boolean {
  return error instanceof SviError && error.code === "E_WORKER";
}
