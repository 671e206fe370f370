/** @module The coordinator's side: threads that are up, the instances they share, and one dispatch at a time. */
import { SviError } from "../../errors.ts";
import { width } from "../width.ts";
import {
  ASLEEP,
  AWAITED,
  BELL,
  type Channel,
  channelOf,
  controlOf,
  FAILED,
  IDLE,
  type Job,
  jobOf,
  OWN_PART,
  PENDING,
  POSTED,
  PULSE,
  RUNNING,
  readFailure,
  STATE,
  TAKEN,
} from "./control.ts";
import { makeThread, startThread, type Thread, type ThreadWorker, workerError } from "./host.ts";
import { execute, type JobShape, type KernelFunction, type Units, writeJob } from "./job.ts";

export const MOST_THREADS = 256;
/** How long the coordinator watches a thread that is still at work before it sleeps, where it may. */
const WATCH_MILLISECONDS = 0.1;
/** Looks between two looks at the clock. */
const LOOKS = 256;
const NAP_MILLISECONDS = 1;
/** A thread that takes or finishes nothing for so long is not slow but gone. */
const PATIENCE_MILLISECONDS = 30_000;
/** Parts in a row that a thread may leave to the coordinator before the clock is looked at. */
const PATIENCE_TASKS = 1024;

/** An instance, which the threads come to know with its first work for several. */
export interface Attachment {
  readonly memory: WebAssembly.Memory;
  readonly kernels: readonly KernelFunction[];
  id: number;
  /** Per thread, the number of the message that brought the instance; none before. */
  messages: readonly number[] | null;
}

export class ThreadPool {
  /** Threads that do arithmetic, the coordinator included. */
  readonly count: number;
  readonly #job: Job;
  readonly #threads: readonly Thread[];
  readonly #channels: readonly Channel[];
  /** Threads that take part in the dispatch at hand: part p is done by #crew[p - 1]. */
  readonly #crew: number[] = [];
  readonly #missed: { tasks: number; since: number; pulse: number }[];
  readonly #mayWait: boolean;
  #attached = 0;
  /** Parts that threads have done, those that the coordinator did for them left out. */
  helped = 0;
  #broken: SviError | null = null;

  private constructor(threads: readonly Thread[], control: SharedArrayBuffer) {
    this.count = threads.length + 1;
    this.#threads = threads;
    this.#channels = threads.map((_, thread) => channelOf(control, thread));
    this.#job = jobOf(control);
    this.#missed = threads.map(() => ({ tasks: 0, since: 0, pulse: 0 }));
    this.#mayWait = mayWait();
    for (const thread of threads)
      thread.onEnd((problem) => {
        this.#broken ??= workerError(problem);
      });
  }

  /** @throws SviError `E_WORKER` where a thread does not come up; none is left behind then */
  static async start(
    count: number,
    module: WebAssembly.Module,
    create: () => ThreadWorker,
  ): Promise<ThreadPool> {
    const control = controlOf(count - 1);
    const workers: ThreadWorker[] = [];
    try {
      for (let thread = 1; thread < count; thread++) workers.push(makeThread(create));
      const threads = await Promise.all(
        workers.map((worker, thread) => startThread(worker, { kind: "start", control, thread, module })),
      );
      return new ThreadPool(threads, control);
    } catch (error) {
      for (const worker of workers) worker.terminate();
      throw error;
    }
  }

  /** A place for an instance; nothing is sent before there is work for several. */
  attach(memory: WebAssembly.Memory, kernels: readonly KernelFunction[]): Attachment {
    this.#requireWhole();
    return { memory, kernels, id: ++this.#attached, messages: null };
  }

  detach(attachment: Attachment): void {
    if (attachment.messages && !this.#broken) this.#post({ kind: "detach", id: attachment.id });
    attachment.messages = null;
  }

  /** @returns per thread, the number of its message */
  #post(message: Parameters<Thread["post"]>[0]): number[] {
    return this.#threads.map((thread, i) => {
      const { signals } = this.#channels[i];
      // Counted first: a thread that has taken more than is counted would continue to wait for messages.
      const number = Atomics.add(signals, POSTED, 1) + 1;
      thread.post(message);
      ring(signals);
      return number;
    });
  }

  /**
   * How many parts the work at hand is split into: no more than `most`, one for each thread that is there for it.
   * @throws SviError `E_WORKER`, `E_DISPOSED`
   */
  muster(attachment: Attachment, most: number): number {
    this.#requireWhole();
    const { id, memory } = attachment;
    attachment.messages ??= this.#post({ kind: "attach", id, memory, wide: width.reason === null });
    const { messages } = attachment;
    const crew = this.#crew;
    crew.length = 0;
    for (let i = 0; i < messages.length && crew.length + 1 < most; i++) {
      const { signals } = this.#channels[i];
      const taken = Atomics.load(signals, TAKEN);
      if (taken >= messages[i] && taken === Atomics.load(signals, POSTED)) crew.push(i);
    }
    return crew.length + 1;
  }

  /** Of the job at hand, one a block of a sum. */
  get results(): Float64Array {
    return this.#job.results;
  }

  /** Does a job in `parts` parts: the coordinator its own, part 0, and any that no thread has begun by then. */
  run({ id, kernels }: Attachment, parts: number, calls: readonly Units[], shape: JobShape): void {
    writeJob(this.#job, id, calls, shape);
    for (let p = 1; p < parts; p++) {
      const { signals } = this.#channels[this.#crew[p - 1]];
      signals[OWN_PART] = p;
      Atomics.store(signals, STATE, PENDING);
      ring(signals);
    }
    try {
      execute(kernels, this.#job, 0);
    } finally {
      for (let p = 1; p < parts; p++) this.#finish(this.#crew[p - 1], p, kernels);
    }
    this.#requireWhole();
  }

  #finish(thread: number, part: number, kernels: readonly KernelFunction[]): void {
    const channel = this.#channels[thread];
    const { signals } = channel;
    const missed = this.#missed[thread];
    if (Atomics.compareExchange(signals, STATE, PENDING, RUNNING) === PENDING) {
      if (missed.tasks++ % PATIENCE_TASKS === 0) this.#feelPulse(signals, missed);
      try {
        execute(kernels, this.#job, part);
      } finally {
        Atomics.store(signals, STATE, IDLE);
      }
      return;
    }
    missed.tasks = 0;
    this.#await(signals);
    this.helped++;
    if (Atomics.load(signals, STATE) !== FAILED) return;
    Atomics.store(signals, STATE, IDLE);
    this.#broken ??= workerError(`A thread failed: ${readFailure(channel)}`);
  }

  #await(signals: Int32Array): void {
    const since = performance.now();
    do for (let look = 0; look < LOOKS; look++) if (Atomics.load(signals, STATE) !== RUNNING) return;
    while (performance.now() - since < WATCH_MILLISECONDS);
    Atomics.store(signals, AWAITED, 1);
    while (Atomics.load(signals, STATE) === RUNNING && !this.#broken) {
      if (this.#mayWait) Atomics.wait(signals, STATE, RUNNING, NAP_MILLISECONDS);
      this.#requireLife(since);
    }
    Atomics.store(signals, AWAITED, 0);
  }

  /** A thread that is always too late may only be slow to wake. */
  #feelPulse(signals: Int32Array, missed: { tasks: number; since: number; pulse: number }): void {
    const pulse = Atomics.load(signals, PULSE);
    if (pulse === missed.pulse && missed.tasks > 1) this.#requireLife(missed.since);
    else {
      missed.since = performance.now();
      missed.pulse = pulse;
    }
  }

  #requireLife(since: number): void {
    if (performance.now() - since > PATIENCE_MILLISECONDS)
      this.#broken ??= workerError("A thread does not answer any more");
  }

  #requireWhole(): void {
    if (this.#broken) throw this.#broken;
  }

  /** Ends all threads; work on their instances throws `E_DISPOSED` from then on. */
  async dispose(): Promise<void> {
    this.#broken ??= new SviError("E_DISPOSED", "The threads were disposed of", {
      remedy: "Make new kernels with threads()",
    });
    await Promise.all(this.#threads.map((thread) => thread.end()));
  }
}

function ring(signals: Int32Array): void {
  if (!Atomics.load(signals, ASLEEP)) return;
  Atomics.add(signals, BELL, 1);
  Atomics.notify(signals, BELL);
}

/** A page's main thread may not. */
function mayWait(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
    return true;
  } catch {
    return false;
  }
}
