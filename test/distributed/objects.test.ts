import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { objectStore } from "../../src/distributed/objects.ts";
import { StoredBlobs } from "../../src/distributed/store.ts";
import { openShard, openText } from "../../src/distributed/texts.ts";
import { freePort } from "./support.ts";

const folder = mkdtempSync(join(tmpdir(), "svi-lm-objects-"));
const KEYS = { AWS_ACCESS_KEY_ID: "S3RVER", AWS_SECRET_ACCESS_KEY: "S3RVER" };
let endpoint = "";
let server: { run(): Promise<{ port: number }>; close(): Promise<void> };

/** An address of the server's bucket, or of another one. */
const at = (path: string) => `s3://${path}?endpoint=${endpoint}`;
const failure = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error) => error,
  );

beforeAll(async () => {
  // @ts-expect-error: it has no declarations
  const { default: S3rver } = await import("@20minutes/s3rver");
  const configureBuckets = [{ name: "posteriors", configs: [] }];
  server = new S3rver({ port: 0, address: "127.0.0.1", silent: true, directory: folder, configureBuckets });
  const { port } = await server.run();
  endpoint = `http://127.0.0.1:${port}`;
}, 60_000);
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeAll(() => {
  for (const [name, value] of Object.entries(KEYS)) vi.stubEnv(name, value);
});
afterAll(() => vi.unstubAllEnvs());

describe("a store over S3's protocol", { timeout: 60_000 }, () => {
  it("keeps blobs below its prefix, and removes them", async () => {
    const store = objectStore(at("posteriors/run 1/blobs"));
    const blobs = new StoredBlobs(store);
    const bytes = new TextEncoder().encode("a posterior ".repeat(1000));
    const name = await blobs.put(bytes);
    expect(Uint8Array.from(await blobs.get(name))).toEqual(bytes);
    expect((await store.read(name))!.length).toBeLessThan(bytes.length);
    expect(await objectStore(at("posteriors/another")).read(name)).toBeNull();
    await blobs.remove([name]);
    expect(await failure(blobs.get(name))).toMatchObject({ code: "E_STORE" });
  });

  it("tells a blob that is damaged", async () => {
    const store = objectStore(at("posteriors/damaged"));
    const blobs = new StoredBlobs(store);
    const name = await blobs.put(new Uint8Array(100).fill(7));
    const written = (await store.read(name))!;
    written[5] ^= 255;
    await store.write(name, written);
    expect(await failure(blobs.get(name))).toMatchObject({
      code: "E_STORE",
      problem: expect.stringContaining("damaged"),
    });
  });

  it("holds texts, which are read by position", async () => {
    await objectStore(at("posteriors/texts")).write(
      "book.txt",
      new TextEncoder().encode("the whale\nthe sea\n"),
    );
    const text = await openText(at("posteriors/texts/book.txt"));
    expect(text.size).toBe(18);
    expect(new TextDecoder().decode(await text.read(4, 9))).toBe("whale");
  });

  it("tells a text that has become shorter", async () => {
    const store = objectStore(at("posteriors/texts"));
    await store.write("short.txt", new TextEncoder().encode("the sea\n"));
    const shard = [{ at: at("posteriors/texts/short.txt"), from: 0, to: 18 }];
    expect(await failure(openShard(shard))).toMatchObject({ code: "E_TEXT_CHANGED" });
  });
});

describe("what cannot work is told", { timeout: 60_000 }, () => {
  it("a bucket that is not there", async () => {
    const store = objectStore(at("nowhere/blobs"));
    const missing = { code: "E_STORE", problem: expect.stringContaining("nowhere") };
    expect(await failure(store.write("a", new Uint8Array(3)))).toMatchObject(missing);
    expect(await failure(store.read("a"))).toMatchObject({
      ...missing,
      remedy: expect.stringMatching(/bucket/),
    });
  });

  it("a wrong secret, and none", async () => {
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "wrong");
    const wrong = await failure(objectStore(at("posteriors/a")).write("a", new Uint8Array(3)));
    expect(wrong).toMatchObject({ code: "E_STORE", problem: expect.stringContaining("403") });
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "");
    const none = await failure(objectStore(at("posteriors/a")).read("a"));
    expect(none).toMatchObject({ code: "E_STORE", remedy: expect.stringContaining("AWS_SECRET_ACCESS_KEY") });
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "S3RVER");
  });

  it("a server that is not there, and an address without a bucket", async () => {
    const nobody = `s3://bucket/a?endpoint=http://127.0.0.1:${await freePort()}`;
    expect(await failure(objectStore(nobody).read("a"))).toMatchObject({
      code: "E_STORE",
      problem: expect.stringContaining("cannot be reached"),
    });
    expect(() => objectStore("s3://")).toThrow(/names no bucket/);
  });

  it("a full disk, with what to do", async () => {
    const full: Server = createServer((_request, response) => {
      response.writeHead(507).end("<Error><Code>XMinioStorageFull</Code></Error>");
    });
    await new Promise<void>((resolve) => full.listen(0, "127.0.0.1", resolve));
    const { port } = full.address() as { port: number };
    const store = objectStore(`s3://bucket/a?endpoint=http://127.0.0.1:${port}`);
    expect(await failure(store.write("a", new Uint8Array(3)))).toMatchObject({
      code: "E_STORE",
      remedy: expect.stringContaining("Make room"),
    });
    full.close();
  });
});
