/** @module What runs and workers there are, and the end of a run by request. */

import { SviError } from "../errors.ts";
import { requireOptions } from "../options.ts";
import {
  askToStop,
  connect,
  jobsQueue,
  type Libraries,
  libraries,
  listRun,
  quiet,
  type RedisClient,
  type RunEntry,
  readRuns,
  roundsQueue,
} from "./queue.ts";

export interface ClusterStatus {
  readonly runs: readonly (RunEntry & {
    readonly run: string;
    /** Whether a coordinator has it in hand; one that runs without continues by the same `coordinate`. */
    readonly coordinator: boolean;
    readonly jobs: { readonly waiting: number; readonly active: number; readonly failed: number };
    readonly workers: number;
  })[];
}

/** @throws SviError `E_REDIS`, `E_HOST`; the signal's reason while Redis does not answer */
export async function clusterStatus(options: {
  readonly redis: string;
  readonly signal?: AbortSignal;
}): Promise<ClusterStatus> {
  requireOptions("clusterStatus", options, { redis: "string", signal: "signal" });
  const { redis, signal } = options;
  const library = await libraries();
  const client = await connect(library, redis, signal);
  try {
    const runs: ClusterStatus["runs"][number][] = [];
    for (const [run, entry] of await readRuns(client)) {
      const queue = quiet(new library.Queue(jobsQueue(entry), { connection: client }));
      const { active, failed, ...other } = await queue.getJobCounts();
      const waiting = (other.waiting ?? other.wait ?? 0) + (other.delayed ?? 0) + (other.prioritized ?? 0);
      const [coordinator, workers] = [
        await hasCoordinator(library, client, run),
        await queue.getWorkersCount(),
      ];
      runs.push({ run, ...entry, coordinator, jobs: { waiting, active, failed }, workers });
      await queue.close();
    }
    return { runs };
  } finally {
    client.disconnect();
  }
}

async function hasCoordinator(library: Libraries, connection: RedisClient, run: string): Promise<boolean> {
  const rounds = quiet(new library.Queue(roundsQueue(run), { connection }));
  try {
    return (await rounds.getWorkersCount()) > 0;
  } finally {
    await rounds.close();
  }
}

/**
 * Asks a run's coordinator to end it; its model is that of the last merged round. A run that has no coordinator is
 * listed as stopped: the same `coordinate` command continues it.
 * @param options.run its name; may be omitted where a single run is under way
 * @throws SviError `E_REDIS`, `E_HOST`, `E_OPTION` where there is no such run; the signal's reason while Redis does
 *   not answer
 */
export async function stopRun(options: {
  readonly redis: string;
  readonly run?: string;
  readonly signal?: AbortSignal;
}): Promise<string> {
  requireOptions("stopRun", options, { redis: "string", run: "string", signal: "signal" });
  const library = await libraries();
  const client = await connect(library, options.redis, options.signal);
  try {
    const running = [...(await readRuns(client))].filter(([, { status }]) => status === "running");
    const [found] = running.filter(([run]) => options.run === undefined || run === options.run);
    if (!found || (options.run === undefined && running.length > 1))
      throw new SviError(
        "E_OPTION",
        `${running.length === 1 ? "1 run is" : `${running.length} runs are`} under way${options.run ? `, none of them ${options.run}` : ""}`,
        {
          option: "run",
          value: running.map(([run]) => run),
          remedy: "Name one of the runs that status lists",
        },
      );
    const [run, entry] = found;
    if (await hasCoordinator(library, client, run)) await askToStop(client, run);
    else await listRun(client, run, { ...entry, status: "stopped" });
    return run;
  } finally {
    client.disconnect();
  }
}
