import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { openShard, openText, shardTexts } from "../../src/distributed/texts.ts";
import type { ByteSource } from "../../src/text/source.ts";

const folder = mkdtempSync(join(tmpdir(), "svi-lm-texts-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function source(text: string): ByteSource {
  const bytes = new TextEncoder().encode(text);
  return { size: bytes.length, read: async (start, end) => bytes.subarray(start, end) };
}

async function contents(texts: readonly string[], count: number): Promise<string[]> {
  const named = texts.map((text, i) => ({ at: `text ${i}`, source: source(text) }));
  const shards = await shardTexts(named, count);
  return shards.map((ranges) =>
    ranges
      .map(({ at, from, to }) =>
        new TextDecoder().decode(new TextEncoder().encode(texts[Number(at.slice(5))]).subarray(from, to)),
      )
      .join(""),
  );
}

describe("shards of texts", () => {
  it("are cut after line ends, and put together they are the texts", async () => {
    const text = fc.array(fc.string({ maxLength: 30 }), { minLength: 30, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(text, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 1, max: 4 }),
        async (lines, count) => {
          const texts = lines.map((line) => `${line.join("\n")} end\n`);
          const found = await contents(texts, count).catch((error) => error);
          // A line that is longer than a shard leaves the next one empty, which is refused.
          if (found instanceof Error) expect(found).toMatchObject({ code: "E_TEXT_SHORT" });
          else {
            expect(found.join("")).toBe(texts.join(""));
            for (const shard of found) expect(shard.endsWith("\n")).toBe(true);
          }
        },
      ),
    );
  });

  it("have about the same size", async () => {
    const lines = Array.from({ length: 5000 }, (_, i) => `line ${i}\n`).join("");
    const sizes = (await contents([lines.slice(0, 20_000), lines.slice(20_000)], 7)).map(
      (shard) => shard.length,
    );
    for (const size of sizes) expect(Math.abs(size - lines.length / 7)).toBeLessThan(20);
  });

  it("are refused where there are more of them than lines", async () => {
    await expect(contents(["one line\n"], 3)).rejects.toMatchObject({
      code: "E_TEXT_SHORT",
      option: "shards",
    });
  });

  it("are read from files, and refused where a file has become shorter", async () => {
    const path = join(folder, "text.txt");
    writeFileSync(path, "first\nsecond\nthird\n");
    const { sources, close } = await openShard([{ at: path, from: 6, to: 13 }]);
    expect(new TextDecoder().decode(await sources[0].read(0, 7))).toBe("second\n");
    await close();
    writeFileSync(path, "first\n");
    await expect(openShard([{ at: path, from: 6, to: 13 }])).rejects.toMatchObject({
      code: "E_TEXT_CHANGED",
    });
  });
});

describe("a text at an http address", () => {
  let server: Server;
  afterAll(() => server?.close());

  it("is read by ranges; a server without them is refused", async () => {
    const bytes = new TextEncoder().encode("0123456789\nabcdef\n");
    server = createServer((request, response) => {
      const range = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "");
      if (request.url === "/whole" || !range) return void response.writeHead(200).end(bytes);
      const [from, to] = [Number(range[1]), Math.min(bytes.length - 1, Number(range[2]))];
      response
        .writeHead(206, { "content-range": `bytes ${from}-${to}/${bytes.length}` })
        .end(bytes.subarray(from, to + 1));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
    const text = await openText(`${address}/text`);
    expect(text.size).toBe(bytes.length);
    expect(new TextDecoder().decode(await text.read(8, 14))).toBe("89\nabc");
    await expect(openText(`${address}/whole`)).rejects.toMatchObject({ code: "E_FILE_READ" });
  });

  /** A text that is there in two versions of one length; the server knows conditions, or only says what it has. */
  async function versions(headers: readonly object[], conditions: boolean) {
    const now = { version: 0 };
    const seen: (string | undefined)[] = [];
    const changing = createServer((request, response) => {
      const its = headers[now.version] as Record<string, string>;
      const { "if-match": match, "if-unmodified-since": since } = request.headers;
      seen.push(match ?? since);
      const other = (match && match !== its.etag) || (since && since !== its["last-modified"]);
      if (conditions && other) return void response.writeHead(412).end();
      const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range!)!.map(Number);
      const bytes = Buffer.from(now.version ? "another text" : "one text now").subarray(from, to + 1);
      response.writeHead(206, { "content-range": `bytes ${from}-${to}/12`, ...its }).end(bytes);
    });
    await new Promise<void>((resolve) => changing.listen(0, "127.0.0.1", resolve));
    const { port } = changing.address() as { port: number };
    const text = await openText(`http://127.0.0.1:${port}/text`);
    const first = new TextDecoder().decode(await text.read(0, 3));
    now.version = 1;
    const second = await text.read(3, 6).then(
      (bytes) => new TextDecoder().decode(bytes),
      (error) => error.code,
    );
    await new Promise((resolve) => changing.close(resolve));
    return { first, second, seen };
  }

  const [morning, evening] = ["Mon, 02 Jan 2023 08:00:00 GMT", "Mon, 02 Jan 2023 20:00:00 GMT"];
  it.each([
    ["a tag, and the server refuses another", [{ etag: '"a"' }, { etag: '"b"' }], true, '"a"'],
    ["a tag, and the server answers anyway", [{ etag: '"a"' }, { etag: '"b"' }], false, '"a"'],
    ["a weak tag", [{ etag: 'W/"a"' }, { etag: 'W/"b"' }], true, undefined],
    ["a date", [{ "last-modified": morning }, { "last-modified": evening }], true, morning],
    ["a date, unheeded", [{ "last-modified": morning }, { "last-modified": evening }], false, morning],
  ])("is refused where it was written again at the same length: %s", async (_, headers, heeds, condition) => {
    const { first, second, seen } = await versions(headers, heeds);
    expect({ first, second }).toEqual({ first: "one", second: "E_TEXT_CHANGED" });
    expect(seen[1]).toBe(condition);
  });

  it("is read on where it has not changed, or where the server does not say", async () => {
    expect(await versions([{ etag: '"a"' }, { etag: '"a"' }], true)).toMatchObject({ second: "the" });
    expect(await versions([{}, {}], true)).toMatchObject({
      second: "the",
      seen: [undefined, undefined, undefined],
    });
  });
});
