/** @module The built site, served as a folder by a server that counts what it sends, and can go away. */
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { gzipSync } from "node:zlib";

const FOLDER = "build/playground";
const TYPES: Record<string, string> = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".webmanifest": "application/manifest+json",
};

export interface Site {
  readonly address: string;
  /** Names of the files that were sent, and their lengths in gzip. */
  readonly sent: Map<string, number>;
  /** Files that it serves beside, or in the place of, those of the folder. */
  readonly lent: Map<string, Uint8Array>;
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** In a folder below the server's root, as hosts of static files have it. */
const BELOW = "/some/folder/";

export async function openSite(): Promise<Site> {
  const sent = new Map<string, number>();
  const lent = new Map<string, Uint8Array>();
  let server: Server;
  const listen = (port: number) =>
    new Promise<number>((resolve) => {
      server = createServer(async (request, response) => {
        const path = normalize(new URL(request.url!, "http://localhost").pathname);
        const name = path.startsWith(BELOW) ? path.slice(BELOW.length) || "index.html" : "";
        const body =
          name === "" ? null : (lent.get(name) ?? (await readFile(join(FOLDER, name)).catch(() => null)));
        if (!body) return void response.writeHead(404).end();
        const packed = gzipSync(body);
        sent.set(name, packed.length);
        response.writeHead(200, {
          "content-type": TYPES[extname(name)] ?? "application/octet-stream",
          "content-encoding": "gzip",
        });
        response.end(packed);
      }).listen(port, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
    });
  const port = await listen(0);
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return {
    address: `http://127.0.0.1:${port}${BELOW}`,
    sent,
    lent,
    stop,
    start: async () => void (await listen(port)),
  };
}
