/** Nothing is fetched and nothing is sent: a process in which every connection is an error runs all of it. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";

const GUARD = `
import dgram from "node:dgram";
import dns from "node:dns";
import net from "node:net";
import { syncBuiltinESMExports } from "node:module";
const forbid = (name) => () => { process.stderr.write("CONNECTION by " + name + "\\n"); process.exit(99); };
net.Socket.prototype.connect = forbid("a socket");
net.Server.prototype.listen = forbid("a server");
dgram.createSocket = forbid("a datagram");
for (const name of ["lookup", "resolve", "resolve4", "resolve6"]) dns[name] = dns.promises[name] = forbid("dns." + name);
for (const name of ["fetch", "WebSocket", "EventSource", "XMLHttpRequest"])
  Object.defineProperty(globalThis, name, { get: forbid(name), configurable: true });
syncBuiltinESMExports();
`;

const WORK = `
import "../src/kernels/embedded.ts";
import { Corpus, LanguageModel, capabilities, evaluate, fit, ivon } from "../src/public.ts";
import { threads } from "../src/entries/threads.ts";
const corpus = await Corpus.open("the sea ".repeat(200), { tokenizer: "word" });
const model = await LanguageModel.create({ tokenizer: corpus.tokenizer, embedding: 8, hidden: 8 });
const kernels = capabilities().threads.available ? await threads({ count: 2 }) : undefined;
for await (const _ of fit(model, corpus, { inference: ivon(), epochs: 1, batch: 4, sequence: 8, kernels }));
await kernels?.dispose();
await evaluate(model, corpus);
const loaded = await LanguageModel.load(model.toBytes());
await loaded.score("the sea", { samples: 2 });
for await (const _ of loaded.generate({ tokens: 4 }));
console.log("done");
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "svi-lm-"));
  writeFileSync(join(folder, "guard.mjs"), GUARD);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function guarded(file: string, ...args: string[]) {
  const guard = pathToFileURL(join(folder, "guard.mjs")).href;
  return spawnSync(process.execPath, ["--import", guard, file, ...args], { encoding: "utf8", cwd: folder });
}

test("training, threads, evaluation, scores and text open no connection", { timeout: 60_000 }, async () => {
  const outfile = join(folder, "work.mjs");
  await build({
    stdin: { contents: WORK, resolveDir: resolve("test"), loader: "ts" },
    bundle: true,
    platform: "node",
    format: "esm",
    outfile,
    logLevel: "error",
  });
  expect(guarded(outfile)).toMatchObject({ status: 0, stdout: "done\n", stderr: "" });
});

test("the command line opens no connection", { timeout: 120_000 }, () => {
  const cli = join(folder, "cli.mjs");
  expect(spawnSync(process.execPath, ["scripts/build-package.mjs", "--cli", cli]).status).toBe(0);
  writeFileSync(join(folder, "text.txt"), "the sea ".repeat(200));
  const sizes = ["--hidden", "8", "--embedding", "8", "--batch", "4", "--sequence", "8", "--epochs", "1"];
  for (const args of [
    ["train", "text.txt", "--out", "m.svi", ...sizes],
    ["eval", "m.svi", "text.txt"],
    ["generate", "m.svi", "--tokens", "4"],
    ["info", "m.svi"],
  ]) {
    const { status, stderr } = guarded(cli, ...args);
    expect({ args, status, stderr: status === 0 ? "" : stderr }).toEqual({ args, status: 0, stderr: "" });
  }
});

test.each([
  "fetch('http://localhost/')",
  "(await import('node:http')).get('http://localhost/')",
  "(await import('node:net')).connect(9, '127.0.0.1')",
  "(await import('node:dns/promises')).lookup('localhost')",
])("the guard sees %s", (attempt) => {
  const file = join(folder, "attempt.mjs");
  writeFileSync(file, `await ${attempt};`);
  expect(guarded(file)).toMatchObject({ status: 99, stderr: expect.stringMatching(/^CONNECTION/) });
});
