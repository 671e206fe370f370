import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BytesSource, readAll } from "../../src/formats/bytes.ts";
import { refusal } from "./support.ts";

const counted = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 31 + 7) & 255);
const plain = counted(1000);

/** A stream of these chunks, which records how it was stopped. */
function streamOf(chunks: unknown[], end: "close" | "hang" | Error = "close") {
  const seen: { cancelled?: unknown } = {};
  const rest = [...chunks];
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (rest.length > 0) controller.enqueue(rest.shift() as Uint8Array);
      else if (end === "close") controller.close();
      else if (end !== "hang") controller.error(end);
      else return new Promise(() => {});
    },
    cancel(reason) {
      seen.cancelled = reason;
      return new Promise(() => {});
    },
  });
  return { stream, seen };
}

/** As an object of R2 is: more than bytes, and no Blob. */
const stored = (bytes: Uint8Array) => ({
  key: "book.svi",
  size: bytes.length,
  arrayBuffer: async () => Uint8Array.from(bytes).buffer,
});

describe("readAll", () => {
  it("takes bytes from everything that holds them", async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(1000));
    shared.set(plain);
    const sources: BytesSource[] = [
      plain,
      Buffer.from(plain),
      plain.slice().buffer,
      shared,
      shared.buffer as unknown as ArrayBuffer,
      new Blob([plain.subarray(0, 300), plain.subarray(300)]),
      new Response(plain),
      new Response(plain, { headers: { "content-length": "1000" } }),
      new Response(plain, { headers: { "content-length": "5", "content-encoding": "gzip" } }),
      new Response(plain, { headers: { "content-length": "nonsense" } }),
      new Response(plain, { headers: { "content-length": "9007199254740991" }, status: 206 }),
      new Request("http://localhost/", { method: "POST", body: plain }),
      stored(plain),
      streamOf([plain.subarray(0, 1), new Uint8Array(0), Buffer.from(plain.subarray(1))]).stream,
      runInNewContext("Uint8Array.from(items)", { items: plain }),
      runInNewContext("Uint8Array.from(items).buffer", { items: plain }),
    ];
    for (const [at, source] of sources.entries()) {
      const bytes = await readAll(source, { limit: Number.MAX_SAFE_INTEGER });
      expect(Object.getPrototypeOf(bytes), `${at}`).toBe(Uint8Array.prototype);
      expect(Buffer.compare(bytes, plain), `${at}`).toBe(0);
    }
  });

  it("copies nothing that is in memory", async () => {
    expect((await readAll(plain)).buffer).toBe(plain.buffer);
    expect((await readAll(plain.subarray(3, 9))).byteOffset).toBe(3);
  });

  it("takes nothing from nothing", async () => {
    for (const source of [new Uint8Array(0), new Blob([]), new Response(null), streamOf([]).stream])
      expect((await readAll(source)).length).toBe(0);
  });

  it("joins chunks of any sizes, also where the announced length is wrong", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 90_000 }), { maxLength: 12 }),
        fc.option(fc.integer({ min: 0, max: 300_000 })),
        async (sizes, announced) => {
          const whole = Buffer.concat(sizes.map(counted));
          const { stream } = streamOf(sizes.map(counted));
          const headers = announced === null ? undefined : { "content-length": String(announced) };
          const bytes = await readAll(headers ? new Response(stream, { headers }) : stream);
          expect(Buffer.compare(bytes, whole)).toBe(0);
        },
      ),
      { numRuns: 40 },
    ));

  it("joins them where their sum is as long as the last block", async () => {
    const whole = counted(65_536);
    const { stream } = streamOf([whole.subarray(0, 12), whole.subarray(12)].map((chunk) => chunk.slice()));
    const response = new Response(stream, { headers: { "content-length": "10" } });
    expect(Buffer.compare(await readAll(response), whole)).toBe(0);
  });

  it("keeps what a producer overwrites after it gave it", async () => {
    const chunk = new Uint8Array(4);
    let count = 0;
    const stream = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => (count < 3 ? controller.enqueue(chunk.fill(++count)) : controller.close()),
      },
      { highWaterMark: 0 },
    );
    expect(await readAll(stream)).toEqual(Uint8Array.of(1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3));
  });

  it("holds the limit, and stops what comes after", async () => {
    const endless = streamOf([plain, plain, plain], "hang");
    for (const source of [
      plain,
      plain.buffer,
      new Blob([plain]),
      stored(plain),
      new Response(plain),
      new Response("x", { headers: { "content-length": "1000" } }),
      endless.stream,
    ])
      expect((await refusal(() => readAll(source, { limit: 999 }), "E_MEMORY")).message).toMatch(
        /1000 bytes.*limit is 999/,
      );
    expect(endless.seen.cancelled).toBeDefined();
    expect((await readAll(new Blob([plain]), { limit: 1000 })).length).toBe(1000);
    for (const limit of [-1, 0.5, Number.NaN, "9" as unknown as number])
      await refusal(() => readAll(plain, { limit }), "E_OPTION");
  });

  it("names a response that is not a success, and cancels its body", async () => {
    const { stream, seen } = streamOf([plain], "hang");
    const response = new Response(stream, { status: 404, statusText: "Not Found" });
    const error = await refusal(() => readAll(response));
    expect(error.message).toMatch(/^The server answered 404 Not Found, not with a model\. Check/);
    expect(error.value).toBe(404);
    expect("cancelled" in seen).toBe(true);
    expect((await refusal(() => readAll(Response.error()))).message).toMatch(/type "error"/);
  });

  it.each([
    "<!doctype html><title>Login</title>",
    "<!DOCTYPE HTML PUBLIC>",
    "<html>",
    "\ufeff\r\n \t<HTML lang=en>",
  ])("says that %j is a page", async (page) => {
    const bytes = new TextEncoder().encode(page);
    for (const source of [bytes, new Blob([bytes]), new Response(bytes)])
      expect((await refusal(() => readAll(source))).message).toMatch(/web page, not a model/);
  });

  it("refuses what holds no bytes", async () => {
    for (const source of [null, undefined, "model.safetensors", 5, {}, [1], Object.create(null), new Map()])
      await refusal(() => readAll(source as never), "E_OPTION");
    for (const chunk of ["text", null, Float32Array.of(1), new ArrayBuffer(3)])
      await refusal(() => readAll(streamOf([plain, chunk]).stream), "E_FILE_READ");
  });

  it("explains streams that fail, are locked or are used up", async () => {
    const cause = new Error("cable cut");
    const error = await refusal(() => readAll(streamOf([plain], cause).stream), "E_FILE_READ");
    expect(error.message).toContain("cable cut");
    expect(error.cause).toBe(cause);
    const { stream } = streamOf([plain]);
    stream.getReader();
    await refusal(() => readAll(stream), "E_FILE_READ");
    const response = new Response(plain);
    await readAll(response);
    await refusal(() => readAll(response), "E_FILE_READ");
  });

  it("throws the reason of an abort, before and while it reads, and stops the source", async () => {
    const reason = new Error("enough");
    await expect(readAll(plain, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const { stream, seen } = streamOf([plain], "hang");
    const controller = new AbortController();
    const reading = readAll(stream, { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 10);
    await expect(reading).rejects.toBe(reason);
    expect(seen.cancelled).toBe(reason);
    const aborted = new DOMException("by fetch", "AbortError");
    await expect(readAll(streamOf([], aborted).stream)).rejects.toBe(aborted);
  });
});

describe("readAll over http", () => {
  let server: Server;
  let base = "";
  beforeAll(async () => {
    server = createServer((request, response) => {
      if (request.url?.startsWith("/model")) response.end(plain);
      else if (request.url === "/cut") {
        response.writeHead(200, { "content-length": 1000 });
        response.write(plain.subarray(0, 400), () => response.destroy());
      } else {
        response.writeHead(403);
        response.end("<html>forbidden");
      }
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  it("reads a file, notices one that is cut, and shows an address without its query", async () => {
    expect(await readAll(await fetch(`${base}/model`))).toEqual(plain);
    await refusal(async () => readAll(await fetch(`${base}/cut`)), "E_FILE_READ");
    const { message } = await refusal(async () => readAll(await fetch(`${base}/secret?token=abc`)));
    expect(message).toContain(`403 Forbidden for ${base}/secret, not with a model`);
    expect(message).not.toContain("abc");
  });
});
