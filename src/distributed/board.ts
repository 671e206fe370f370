/** @module A page of runs, jobs and workers: bull-board over the queues of a cluster, for a browser, read only. */

import { createServer, type Server } from "node:http";
import type { Queue } from "bullmq";
import { requireInteger } from "../errors.ts";
import { requireOptions } from "../options.ts";
import { listen, urlOf } from "./http.ts";
import { absent, notInstalled } from "./packages.ts";
import { connect, jobsQueue, libraries, quiet, type RedisClient, readRuns, roundsQueue } from "./queue.ts";

export interface BoardOptions {
  /** Address of Redis or Valkey: redis://host:port. */
  readonly redis: string;
  /** 3000 by default; 0 for any that is free. */
  readonly port?: number;
  /** Address to listen on; this machine alone by default, since the page asks nobody who he is. */
  readonly host?: string;
  /** Ends the wait for Redis. */
  readonly signal?: AbortSignal;
}

export interface Board {
  /** Address of the page. */
  readonly url: string;
  close(): Promise<void>;
}

type BoardLibraries = typeof import("@bull-board/api") &
  typeof import("@bull-board/api/bullMQAdapter") &
  typeof import("@bull-board/express");

/** How often runs that were begun since are looked for. */
const LOOK_MILLISECONDS = 2000;

/**
 * Serves the page until it is closed.
 *
 * @throws SviError `E_REDIS`; `E_HOST` where a package is missing or the port is taken; the signal's reason
 */
export async function openBoard(options: BoardOptions): Promise<Board> {
  requireOptions("openBoard", options, { redis: "string", port: "number", host: "string", signal: "signal" });
  const port = requireInteger("port", options.port ?? 3000, 0, 65_535);
  const library = await libraries();
  const boards = await boardLibraries();
  const client = await connect(library, options.redis, options.signal);
  const adapter = new boards.ExpressAdapter();
  const { addQueue } = boards.createBullBoard({ queues: [], serverAdapter: adapter });
  const shown = new Map<string, Queue>();
  const look = async () => {
    for (const name of await queuesOf(client)) {
      if (shown.has(name)) continue;
      const queue = quiet(new library.Queue(name, { connection: client }));
      shown.set(name, queue);
      addQueue(new boards.BullMQAdapter(queue, { readOnlyMode: true }));
    }
  };
  let server: Server;
  try {
    await look();
    server = await listen(createServer(adapter.getRouter()), port, options.host ?? "127.0.0.1");
  } catch (error) {
    client.disconnect();
    throw error;
  }
  // A Redis that is away for a while is asked again.
  const timer = setInterval(() => void look().catch(() => {}), LOOK_MILLISECONDS);
  return {
    url: urlOf(server),
    async close() {
      clearInterval(timer);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      for (const queue of shown.values()) await queue.close();
      client.disconnect();
    },
  };
}

/** The jobs of every version that has runs, and the rounds of every run. */
async function queuesOf(client: RedisClient): Promise<Set<string>> {
  const runs = [...(await readRuns(client))];
  return new Set([...runs.map(([, entry]) => jobsQueue(entry)), ...runs.map(([run]) => roundsQueue(run))]);
}

async function boardLibraries(): Promise<BoardLibraries> {
  try {
    const [api, queues, express] = await Promise.all([
      import("@bull-board/api").catch(absent),
      import("@bull-board/api/bullMQAdapter").catch(absent),
      import("@bull-board/express").catch(absent),
    ]);
    return { ...api, ...queues, ...express };
  } catch (cause) {
    throw notInstalled(["@bull-board/api", "@bull-board/express"], cause);
  }
}
