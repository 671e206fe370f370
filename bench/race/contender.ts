/** @module Who takes part in a race: a process or a page that trains when it is its turn. */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { flagsOf } from "../browser.ts";
import type { Turn } from "./racer.ts";

export interface Contender {
  readonly version: string;
  /** Trains for so many seconds of its own clock. */
  turn(seconds: number): Promise<Turn>;
  close(): Promise<void>;
}

/** A process that answers lines. @throws Error where it ends before it is ready, with what it said */
export async function startProcess(command: string, args: readonly string[]): Promise<Contender> {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
  let errors = "";
  child.stderr.on("data", (data) => {
    errors = (errors + data).slice(-2000);
  });
  child.on("error", (error) => {
    errors += error.message;
  });
  // Writing to a process that has gone is told of by the end of its lines.
  child.stdin.on("error", () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${command} ${args.join(" ")} ended: ${errors.trim() || "without a word"}`);
    return JSON.parse(value);
  };
  const { version } = await next();
  return {
    version,
    turn: (seconds) => {
      child.stdin.write(`${seconds}\n`);
      return next();
    },
    close: async () => {
      child.stdin.end();
    },
  };
}

/** What a page says, and the response that holds its next turn back. */
interface Answer {
  readonly value: { version: string } & Turn & { problem?: string };
  readonly reply: (seconds: number) => void;
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

function deferred<T>(): Deferred<T> {
  let settle!: Pick<Deferred<T>, "resolve" | "reject">;
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...settle };
}

/** A page of a browser without a window, whose script is given. */
export async function startPage(browser: string, script: string, folder: string): Promise<Contender> {
  const profile = await mkdtemp(join(tmpdir(), "svi-lm-race-"));
  let told = deferred<Answer>();
  const server = createServer(async (request, response) => {
    const { url = "/" } = request;
    if (url === "/answer") {
      let body = "";
      for await (const part of request) body += part;
      told.resolve({ value: JSON.parse(body), reply: (seconds) => response.end(String(seconds)) });
    } else if (url === "/page.js") response.setHeader("Content-Type", "text/javascript").end(script);
    else if (["/job.json", "/train.bin", "/valid.bin"].includes(url))
      response.end(await readFile(join(folder, url)));
    else
      response
        .setHeader("Content-Type", "text/html")
        .end('<!doctype html><script type="module" src="/page.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const child = spawn(browser, [...flagsOf(browser, profile), address], { stdio: "ignore" });
  child.on("error", (error) => told.reject(error));
  child.on("exit", (code) => told.reject(new Error(`${browser} ended with code ${code}`)));
  let last = await told.promise;
  const next = async (seconds: number) => {
    told = deferred();
    last.reply(seconds);
    last = await told.promise;
    if (last.value.problem) throw new Error(last.value.problem);
    return last.value;
  };
  if (last.value.problem) throw new Error(last.value.problem);
  return {
    version: last.value.version,
    turn: next,
    close: async () => {
      last.reply(0);
      told.promise.catch(() => {});
      child.kill();
      server.close();
      server.closeAllConnections();
      await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}
