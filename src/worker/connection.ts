/** @module The caller's end: calls that an abort or the worker's death can end, and what the caller keeps for it. */
import { SviError, shown } from "../errors.ts";
import { packageVersion } from "../kernels/generated/identity.ts";
import { width } from "../kernels/width.ts";
import { requireOptions } from "../options.ts";
import { workerRemedy } from "../workers.ts";
import { type Channel, openChannel } from "./channel.ts";
import { type NodeWorker, type Thread, threadOf, type WebWorker } from "./host.ts";
import type { Callback, CallerFunctions, Handle, Job, ThreadFunctions } from "./protocol.ts";

export interface ConnectOptions {
  /** Compiled kernels for the worker, such as those of `svi-lm/kernels.relaxed.wasm`; its own by default. */
  readonly kernels?: WebAssembly.Module;
  /** Milliseconds that the worker may take to answer at first; 30,000 by default. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

const SIGNAL = { signal: "signal" } as const;

type Names = keyof ThreadFunctions & string;
type Rest<F> = F extends (job: Job, ...args: infer A) => unknown ? A : never;

export class Connection {
  readonly #thread: Thread;
  readonly #channel: Channel<ThreadFunctions>;
  readonly #callbacks = new Map<Callback, (...args: never[]) => unknown>();
  /** Tells the worker what nobody here can reach any more. */
  readonly #handles = new FinalizationRegistry<Handle>((handle) => this.release(handle));
  readonly #watch = new AbortController();
  #numbers = 0;
  #pending = 0;
  #dead: SviError | null = null;
  #heard!: () => void;
  readonly #ready = new Promise<void>((resolve) => {
    this.#heard = resolve;
  });
  #connected = false;

  constructor(worker: WebWorker | NodeWorker) {
    this.#thread = threadOf(worker);
    this.#thread.ended((what, cause) => this.#end(what, cause));
    const own: CallerFunctions = {
      callback: (callback, ...args) => this.#callbacks.get(callback)?.(...(args as never[])),
      ready: () => this.#heard(),
    };
    this.#channel = openChannel(this.#thread, own);
  }

  /** @throws SviError `E_WORKER` where no worker of this version answers; the signal's reason */
  async greet({ kernels, timeout = 30_000, signal }: ConnectOptions): Promise<void> {
    try {
      const lock = this.#thread.web ? lockName() : undefined;
      // A thread of this process, and so under the flag that was tried here.
      const greeting = { kernels, lock, wide: width.reason === null };
      // Said at once, and again when a worker that was still loading says that it listens.
      const answers = [this.call("hello", greeting), this.#ready.then(() => this.call("hello", greeting))];
      for (const answer of answers) answer.catch(() => {});
      const { version, held } = await this.#within(Promise.race(answers), timeout, signal);
      if (version !== packageVersion)
        throw new SviError(
          "E_WORKER",
          `The worker is of svi-lm ${version}, its caller of ${packageVersion}`,
          {
            value: version,
            remedy:
              "Build the worker's file again from the installed package, and clear what caches an older one",
          },
        );
      this.#connected = true;
      if (lock && held) this.#waitFor(lock);
    } catch (error) {
      this.terminate();
      throw error;
    }
  }

  async #within<T>(answer: Promise<T>, timeout: number, signal?: AbortSignal): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let aborted = () => {};
    const ends = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () =>
          reject(
            new SviError("E_WORKER", `The worker has not answered within ${timeout} ms`, {
              value: timeout,
              remedy: 'Let the file that it runs import "svi-lm/worker/thread"',
            }),
          ),
        timeout,
      );
      aborted = () => reject(signal!.reason);
      signal?.addEventListener("abort", aborted);
    });
    try {
      return await Promise.race([answer, ends]);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", aborted);
    }
  }

  /** The worker holds the lock as long as it lives; the web tells of no other end than an error. */
  #waitFor(lock: string): void {
    const { signal } = this.#watch;
    const gone = () => this.#end("It was terminated from outside");
    // Where the host refuses the lock to this side alone, an end from outside is not heard of; all else works.
    (async () => navigator.locks.request(lock, { signal }, gone))().catch(() => {});
  }

  #end(what: string, cause?: unknown): void {
    if (this.#dead) return;
    const how = this.#connected ? "The worker died" : "The worker did not start";
    this.#die(
      new SviError("E_WORKER", `${how}: ${what}`, {
        value: what,
        remedy: this.#connected
          ? "Connect again; a run continues from its last checkpoint with the option resume"
          : workerRemedy("worker"),
        cause,
      }),
    );
  }

  #die(error: SviError): void {
    this.#dead = error;
    this.#watch.abort();
    this.#channel.reject(error);
    this.#callbacks.clear();
    this.#thread.terminate();
  }

  /** Whether the worker has ended. */
  get dead(): boolean {
    return this.#dead !== null;
  }

  /** Ends the worker at once; what waits for it is rejected. */
  terminate(): void {
    if (this.#dead) return;
    this.#die(
      new SviError("E_WORKER", "The worker was terminated", {
        remedy: "Connect again; a run continues from its last checkpoint with the option resume",
      }),
    );
  }

  /** @throws what the function throws; SviError `E_WORKER` where the worker is dead or dies */
  async call<K extends Names>(
    name: K,
    ...args: Parameters<ThreadFunctions[K]>
  ): Promise<Awaited<ReturnType<ThreadFunctions[K]>>> {
    if (this.#dead) throw this.#dead;
    if (this.#pending++ === 0) this.#thread.busy(true);
    try {
      return (await this.#channel.call(name, ...(args as never))) as never;
    } catch (error) {
      throw refused(error, args) ?? error;
    } finally {
      if (--this.#pending === 0) this.#thread.busy(false);
    }
  }

  /** A call that the signal may end; its reason is thrown once the worker has let go. */
  async abortable<K extends Names>(
    signal: AbortSignal | undefined,
    name: K,
    ...args: Rest<ThreadFunctions[K]>
  ): Promise<Awaited<ReturnType<ThreadFunctions[K]>>> {
    const job = this.job();
    return this.heeding(signal, job, () => this.call(name, ...([job, ...args] as never)));
  }

  /** Lets a signal end a job while `work` waits for it. */
  async heeding<T>(signal: AbortSignal | undefined, job: Job, work: () => Promise<T>): Promise<T> {
    requireOptions("the call", { signal }, SIGNAL);
    signal?.throwIfAborted();
    const abort = () => this.#tell("abort", job);
    signal?.addEventListener("abort", abort);
    try {
      return await work();
    } catch (error) {
      // A reason may be anything, and need not cross: it is here.
      if (signal?.aborted && !this.#dead && !(error instanceof SviError)) throw signal.reason;
      throw error;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  #tell<K extends Names>(name: K, ...args: Parameters<ThreadFunctions[K]>): void {
    if (!this.#dead) this.#channel.tell(name, ...(args as never));
  }

  job(): Job {
    return ++this.#numbers;
  }

  /** Keeps a function that the worker may call, until it is forgotten. */
  keep(work: (...args: never[]) => unknown): Callback {
    const callback = ++this.#numbers;
    this.#callbacks.set(callback, work);
    return callback;
  }

  forget(callback: Callback): void {
    this.#callbacks.delete(callback);
  }

  /** Releases what a handle stands for once `owner` is out of reach. */
  own<T extends object>(owner: T, handle: Handle): T {
    this.#handles.register(owner, handle);
    return owner;
  }

  release(handle: Handle): void {
    this.#tell("release", handle);
  }
}

/** Where the host may have locks: a help to hear of an end from outside, which pages of insecure origins lack. */
function lockName(): string | undefined {
  const { crypto, navigator } = globalThis as { crypto?: Partial<Crypto>; navigator?: Partial<Navigator> };
  try {
    return navigator?.locks && crypto?.randomUUID && `svi-lm-${crypto.randomUUID()}`;
  } catch {
    // A page that may keep nothing may not even ask.
    return undefined;
  }
}

/** What structured cloning refuses: a function among the options, mostly. */
function refused(error: unknown, args: readonly unknown[]): SviError | undefined {
  if ((error as Error | undefined)?.name !== "DataCloneError") return undefined;
  const [option, value] = args.map((each) => unsendable(each)).find((found) => found) ?? [];
  return new SviError(
    "E_OPTION",
    `${option || "Something among the arguments"} cannot be sent to the worker`,
    {
      option,
      value: value === undefined ? undefined : shown(value),
      remedy: `Give plain data${value === undefined ? "" : `, not ${shown(value)}`}; kernels and the json tokenizer are chosen in the worker's own file`,
      cause: error,
    },
  );
}

/** The name and value of the first function, or symbol, in plain data; deeper than that nothing is looked for. */
function unsendable(value: unknown, name = "", depth = 0): [string, unknown] | undefined {
  if (typeof value === "function" || typeof value === "symbol") return [name, value];
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || depth > 4) return undefined;
  for (const [key, part] of Object.entries(value)) {
    const inner = name && !Array.isArray(value) ? `${name}.${key}` : name || key;
    const found = unsendable(part, inner, depth + 1);
    if (found) return found;
  }
  return undefined;
}
