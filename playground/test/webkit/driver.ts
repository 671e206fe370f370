/**
 * @module WebKitGTK's MiniBrowser on a virtual display, by the WebDriver protocol. Kept clients of it need a newer Node
 * than the project does, or drive no WebKit.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { executable } from "../executable.ts";

const DRIVER = ["WebKitWebDriver"];
const DISPLAY = ["Xvfb"];

/** Whether the driver and the display are installed. */
export const hasWebKit = () => executable(DRIVER) !== null && executable(DISPLAY) !== null;

/** A driver that is ready for sessions; each is a browser that was never here. */
export interface Driver {
  open(): Promise<Session>;
  stop(): void;
}

/** The key by which the protocol names elements. */
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";
export type Reference = { readonly [ELEMENT]: string };

/** What was started and not ended yet: it ends with this process, whatever that ends of. */
const running = new Set<ChildProcess>();
process.once("exit", () => end(running));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

function end(children: Iterable<ChildProcess>): void {
  for (const child of children) {
    running.delete(child);
    child.kill();
  }
}

export async function startDriver(): Promise<Driver> {
  const children: ChildProcess[] = [];
  const stop = () => end(children.splice(0));
  const start = (command: string, args: string[], options: Parameters<typeof spawn>[2]) => {
    const child = spawn(command, args, options!);
    children.push(child);
    running.add(child);
    return child;
  };
  const size = ["-screen", "0", "1400x1100x24"];
  const display = start(executable(DISPLAY)!, ["-displayfd", "1", ...size, "-nolisten", "tcp", "-noreset"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [number] = await once(display.stdout!, "data");
  const port = await freePort();
  start(executable(DRIVER)!, [`--port=${port}`], {
    env: environment(`:${String(number).trim()}`),
    stdio: ["ignore", 2, 2],
  });
  const address = `http://127.0.0.1:${port}`;
  while (
    !(await fetch(`${address}/status`).then(
      ({ ok }) => ok,
      () => false,
    ))
  )
    await wait(50);
  return { open: () => Session.open(address), stop };
}

function environment(display: string): NodeJS.ProcessEnv {
  const variables = { ...process.env, DISPLAY: display, GDK_BACKEND: "x11", NO_AT_BRIDGE: "1" };
  // WebKit's sandbox refuses to run as root.
  return process.getuid?.() === 0
    ? { ...variables, WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1" }
    : variables;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** One browser with one window. */
export class Session {
  readonly #address: string;

  private constructor(address: string) {
    this.#address = address;
  }

  static async open(driver: string): Promise<Session> {
    const { sessionId } = await send<{ sessionId: string }>("POST", `${driver}/session`, {
      capabilities: { alwaysMatch: { browserName: "MiniBrowser" } },
    });
    const session = new Session(`${driver}/session/${sessionId}`);
    await session.#post("timeouts", { script: 120_000, pageLoad: 60_000 });
    return session;
  }

  close(): Promise<unknown> {
    return send("DELETE", this.#address);
  }

  go(url: string): Promise<unknown> {
    return this.#post("url", { url });
  }

  reload(): Promise<unknown> {
    return this.#post("refresh", {});
  }

  title(): Promise<string> {
    return send("GET", `${this.#address}/title`);
  }

  resize(width: number, height: number): Promise<unknown> {
    return this.#post("window/rect", { width, height });
  }

  /** Runs a function's body in the page and waits for what it returns. */
  run<T>(script: string, args: readonly unknown[]): Promise<T> {
    return this.#post("execute/sync", { script, args });
  }

  click(element: Reference): Promise<unknown> {
    return this.#post(`element/${element[ELEMENT]}/click`, {});
  }

  /** Types into an element; for a field of files, the path of one. */
  type(element: Reference, text: string): Promise<unknown> {
    return this.#post(`element/${element[ELEMENT]}/value`, { text });
  }

  /** Presses keys one after another, wherever the focus is. */
  keys(keys: readonly string[]): Promise<unknown> {
    const actions = keys.flatMap((value) => [
      { type: "keyDown", value },
      { type: "keyUp", value },
    ]);
    return this.#post("actions", { actions: [{ type: "key", id: "keyboard", actions }] });
  }

  #post<T>(command: string, body: object): Promise<T> {
    return send("POST", `${this.#address}/${command}`, body);
  }
}

async function send<T>(method: string, url: string, body?: object): Promise<T> {
  const response = await fetch(url, { method, body: body && JSON.stringify(body) });
  const { value } = (await response.json()) as { value: T & { error?: string; message?: string } };
  if (!response.ok) throw new Error(`${value.error}: ${value.message}`);
  return value;
}
