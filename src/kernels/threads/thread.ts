/**
 * @module What a thread does. Idle in its event loop while nobody needs it; from the first instance that it is given
 * to the last that is taken away it watches its signals, and then waits for the bell without using a processor.
 */
import {
  ASLEEP,
  AWAITED,
  BELL,
  type Channel,
  channelOf,
  FAILED,
  IDLE,
  type Job,
  jobOf,
  type Message,
  OWN_PART,
  PENDING,
  POSTED,
  PULSE,
  RUNNING,
  STATE,
  TAKEN,
  writeFailure,
} from "./control.ts";
import { execute, type KernelFunction, kernelNames } from "./job.ts";

interface Port {
  postMessage(message: unknown): void;
  on?(event: "message", listener: (message: Message) => void): void;
  onmessage?: (event: { readonly data: Message }) => void;
}

interface Host {
  readonly process?: {
    getBuiltinModule?(name: "node:worker_threads"): { readonly parentPort: Port | null };
  };
}

/** How long a thread watches before it sleeps: the gap between two steps of a run, not that between two runs. */
const WATCH_MILLISECONDS = 0.3;
/** Looks between two looks at the clock. */
const LOOKS = 256;

let channel: Channel;
let job: Job;
let module: WebAssembly.Module;
const instances = new Map<number, KernelFunction[]>();

const port = ((globalThis as Host).process?.getBuiltinModule?.("node:worker_threads").parentPort ??
  globalThis) as Port;
if (port.on) port.on("message", take);
else port.onmessage = ({ data }) => take(data);

function take(message: Message): void {
  if (message.kind === "start") {
    channel = channelOf(message.control, message.thread);
    job = jobOf(message.control);
    module = message.module;
    port.postMessage("ready");
    return;
  }
  if (message.kind === "attach") {
    const kernels = new WebAssembly.Instance(module, { env: { memory: message.memory } }).exports;
    if (message.wide) (kernels.widen as KernelFunction)(1);
    instances.set(
      message.id,
      kernelNames(module).map((name) => kernels[name] as KernelFunction),
    );
  } else instances.delete(message.id);
  Atomics.add(channel.signals, TAKEN, 1);
  if (instances.size > 0) serve();
}

/** Until a message waits to be taken. */
function serve(): void {
  const { signals } = channel;
  for (;;) {
    if (Atomics.load(signals, STATE) === PENDING) work();
    else if (Atomics.load(signals, POSTED) !== Atomics.load(signals, TAKEN)) return;
    else watch();
  }
}

/** Returns when there may be something to do. */
function watch(): void {
  const { signals } = channel;
  Atomics.add(signals, PULSE, 1);
  const until = performance.now() + WATCH_MILLISECONDS;
  do for (let look = 0; look < LOOKS; look++) if (Atomics.load(signals, STATE) === PENDING) return;
  while (Atomics.load(signals, POSTED) === Atomics.load(signals, TAKEN) && performance.now() < until);
  const bell = Atomics.load(signals, BELL);
  Atomics.store(signals, ASLEEP, 1);
  // Looked at once more: whoever did not see this thread asleep has set these before.
  if (
    Atomics.load(signals, STATE) !== PENDING &&
    Atomics.load(signals, POSTED) === Atomics.load(signals, TAKEN)
  )
    Atomics.wait(signals, BELL, bell);
  Atomics.store(signals, ASLEEP, 0);
}

function work(): void {
  const { signals } = channel;
  if (Atomics.compareExchange(signals, STATE, PENDING, RUNNING) !== PENDING) return;
  let state = IDLE;
  try {
    execute(instances.get(job.words[0])!, job, signals[OWN_PART]);
  } catch (error) {
    writeFailure(channel, String(error));
    state = FAILED;
  }
  Atomics.store(signals, STATE, state);
  if (Atomics.load(signals, AWAITED)) Atomics.notify(signals, STATE);
}
