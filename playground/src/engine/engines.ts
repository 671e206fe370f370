/** @module The workers that compute: one for the models at hand, one for what they are compared with. */
import { connect, SviError, type WorkerClient } from "svi-lm/worker";
import { Refusal } from "../parts/notice.ts";
import { lacking } from "../trouble.ts";

type Name = "own" | "rival";

const engines = new Map<Name, Promise<WorkerClient>>();

/** The worker of that name, started where there is none or where it is lost. @throws Refusal, SviError `E_WORKER` */
export async function engine(name: Name): Promise<WorkerClient> {
  const found = engines.get(name);
  if (found && (await answers(found))) return found;
  // Another who waits for the same answer may have started it by now.
  const started = engines.get(name);
  return started && started !== found ? started : start(name);
}

function start(name: Name): Promise<WorkerClient> {
  const trouble = lacking();
  if (trouble) return Promise.reject(new Refusal(trouble.problem, trouble.remedy));
  const started = connect();
  engines.set(name, started);
  return started;
}

/** A browser may end a worker whenever memory is short, and tells nobody: the next call finds out. */
async function answers(started: Promise<WorkerClient>): Promise<boolean> {
  try {
    await (await started).learnTokenizer("ab", { kind: "character" });
    return true;
  } catch {
    return false;
  }
}

export function isLost(error: unknown): boolean {
  return error instanceof SviError && error.code === "E_WORKER";
}
