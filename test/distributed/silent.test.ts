/** A Redis that takes a connection and never answers: whoever waits for it may stop waiting. */
import { createServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { clusterStatus, openBoard, stopRun, work } from "../../src/entries/distributed.ts";
import { freePort, Redis } from "./support.ts";

const sockets: Socket[] = [];
let server: Server;
let redis: string;

beforeAll(async () => {
  server = createServer((socket) => sockets.push(socket.on("error", () => {})));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  redis = `redis://127.0.0.1:${(server.address() as { port: number }).port}`;
});
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

it.each([
  ["clusterStatus", (signal: AbortSignal) => clusterStatus({ redis, signal })],
  ["stopRun", (signal: AbortSignal) => stopRun({ redis, signal })],
  ["openBoard", (signal: AbortSignal) => openBoard({ redis, port: 0, signal })],
  ["work", (signal: AbortSignal) => work({ redis, signal }).next()],
] as const)("%s ends with the signal's reason", async (_, ask) => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const before = sockets.length;
  const asked = ask(controller.signal);
  const ended = expect(asked).rejects.toBe(reason);
  await expect.poll(() => sockets.length, { timeout: 20_000 }).toBe(before + 1);
  const started = performance.now();
  controller.abort(reason);
  await ended;
  expect(performance.now() - started).toBeLessThan(500);
});

it.each([
  ["freezes", (server: Redis) => server.freeze()],
  ["is killed", (server: Redis) => server.kill()],
] as const)(
  "a worker whose Redis %s can be stopped, and leaves nothing that waits for it",
  async (_, lose) => {
    const server = new Redis(await freePort());
    await server.start();
    const controller = new AbortController();
    const timers = () => process.getActiveResourcesInfo().filter((kind) => /Timeout|TCP/.test(kind)).length;
    const before = timers();
    const working = work({ redis: server.url, signal: controller.signal });
    try {
      expect((await working.next()).value).toMatchObject({ event: "ready" });
      const rest = working.next();
      await lose(server);
      const started = performance.now();
      controller.abort();
      expect((await rest).done).toBe(true);
      expect(performance.now() - started).toBeLessThan(500);
      await expect.poll(timers, { timeout: 3000 }).toBeLessThanOrEqual(before);
    } finally {
      await server.remove();
    }
  },
);
