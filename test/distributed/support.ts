/** @module A Redis of its own and processes of the command line, which a test may kill. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A redis-server with an append-only file in a folder of its own. */
export class Redis {
  readonly folder = mkdtempSync(join(tmpdir(), "svi-lm-redis-"));
  readonly port: number;
  readonly #more: readonly string[];
  #server: ChildProcess | null = null;

  constructor(port: number, ...more: string[]) {
    this.port = port;
    this.#more = more;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const options = ["--port", `${this.port}`, "--dir", this.folder, "--bind", "127.0.0.1", "--save", ""];
    const durable = ["--appendonly", "yes", "--appendfsync", "always"];
    this.#server = spawn("redis-server", [...options, ...durable, ...this.#more], { stdio: "pipe" });
    await new Promise<void>((resolve, reject) => {
      let seen = "";
      this.#server!.stdout!.on("data", (text) => {
        seen += text;
        if (seen.includes("Ready to accept connections")) resolve();
      });
      this.#server!.on("error", reject);
      this.#server!.on("exit", () => reject(new Error(`redis-server ended: ${seen}`)));
    });
  }

  /** It keeps its connections, and answers nothing more. */
  freeze(): void {
    this.#server!.kill("SIGSTOP");
  }

  async kill(): Promise<void> {
    if (this.#server!.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#server!.on("exit", resolve));
    this.#server!.kill("SIGKILL");
    await ended;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** One process of `svi-lm cluster`. */
export class Member {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  // biome-ignore lint/suspicious/noExplicitAny: the tests say what they expect in it
  readonly events: any[] = [];
  #text = "";
  errors = "";
  /** Whether it has ended, and all that it said is there. */
  over = false;

  constructor(bundle: string, args: readonly string[]) {
    this.child = spawn(process.execPath, [bundle, "cluster", ...args, "--json"], { stdio: "pipe" });
    this.child.stdout!.setEncoding("utf8").on("data", (text) => {
      const lines = (this.#text + text).split("\n");
      this.#text = lines.pop()!;
      for (const line of lines) this.events.push(JSON.parse(line));
    });
    this.child.stderr!.setEncoding("utf8").on("data", (text) => {
      this.errors += text;
    });
    this.ended = new Promise((resolve) => this.child.on("close", resolve));
    void this.ended.then(() => {
      this.over = true;
    });
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    this.child.kill(signal);
    await this.ended;
  }

  /** Until an event is there for which `holds` is true, or the process has ended. */
  async until(holds: (event: { event: string }) => boolean): Promise<void> {
    while (!this.over && !this.events.some(holds)) await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export function bundleCommandLine(bundle: string): void {
  const { status, stderr } = spawnSync(process.execPath, ["scripts/build-package.mjs", "--cli", bundle]);
  if (status !== 0) throw new Error(String(stderr));
}
