/** @module What a worker does for its caller: svi-lm behind a channel. */
import { packageVersion } from "../kernels/generated/identity.ts";
import { useKernels } from "../kernels/kernels.ts";
import { loadKernels } from "../kernels/load.ts";
import { width } from "../kernels/width.ts";
import { checkingArguments } from "./arguments.ts";
import { type Channel, type Endpoint, openChannel } from "./channel.ts";
import type { CallerFunctions, ThreadFunctions } from "./protocol.ts";
import { Jobs } from "./serving/jobs.ts";
import { modelFunctions } from "./serving/models.ts";
import { Objects } from "./serving/objects.ts";
import { predictionFunctions } from "./serving/prediction.ts";
import { runFunctions } from "./serving/runs.ts";
import type { ServeOptions, Serving } from "./serving/serving.ts";
import { sessionFunctions } from "./serving/sessions.ts";
import { corpusFunctions, tokenizerFunctions } from "./serving/texts.ts";

export type { ServeOptions };

/** Serves whoever is at the other end. */
export function serveAt(endpoint: Endpoint, { json }: ServeOptions): void {
  const serving: Serving = {
    json,
    objects: new Objects(),
    jobs: new Jobs(),
    callback: (callback, ...args) => caller.call("callback", callback, ...args),
  };
  const functions = checkingArguments(functionsOf(serving));
  const caller: Channel<CallerFunctions> = openChannel<CallerFunctions>(endpoint, functions);
  caller.tell("ready");
}

function functionsOf(serving: Serving): ThreadFunctions {
  let holding: Promise<boolean> | undefined;
  return {
    ...corpusFunctions(serving),
    ...tokenizerFunctions(serving),
    ...modelFunctions(serving),
    ...predictionFunctions(serving),
    ...runFunctions(serving),
    ...sessionFunctions(serving),
    hello: async ({ lock, kernels, wide }) => {
      if (wide) width.reason = null;
      holding ??= lock ? hold(lock) : Promise.resolve(false);
      const held = await holding;
      if (kernels) useKernels(await loadKernels(kernels));
      return { version: packageVersion, held };
    },
    abort: (job) => serving.jobs.abort(job),
    release: (handle) => serving.objects.release(handle),
  };
}

/** Milliseconds that a lock of a name of its own may take. */
const LOCK_PATIENCE = 2000;

/** Holds a lock for as long as this worker lives; resolves once it does, or the host is known not to allow it. */
function hold(lock: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = async () =>
      navigator.locks.request(lock, () => {
        resolve(true);
        return new Promise(() => {});
      });
    // Sandboxed frames have no locks; where a page's data is blocked, asking for one fails.
    request().catch(() => resolve(false));
    setTimeout(() => resolve(false), LOCK_PATIENCE);
  });
}
