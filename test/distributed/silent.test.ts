/** A Redis that takes a connection and never answers: whoever waits for it may stop waiting. */
import { createServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { clusterStatus, openBoard, stopRun, work } from "../../src/entries/distributed.ts";

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
