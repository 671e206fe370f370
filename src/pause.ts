/** @module A turn for the host: a macrotask, in the first of several ways that the host allows at that moment. */

/** Milliseconds without a frame after which a page is left alone until it has had one. */
const LATE = 20;
/** Milliseconds after which a page that was left alone is taken not to be shown, and for how long. */
const NOT_SHOWN = 60;
const UNWATCHED = 1000;
/** Milliseconds without a turn after which a channel is closed. */
const UNUSED = 1000;

/** Calls `resume` in a later task. Throws at once where the host does not allow it. */
type Way = (resume: () => void) => void;

interface Host {
  readonly setImmediate?: (task: () => void) => unknown;
  readonly setTimeout: <A extends number[]>(
    task: (...given: A) => void,
    milliseconds?: number,
    ...given: A
  ) => unknown;
  readonly clearTimeout: (timer: unknown) => void;
  readonly MessageChannel?: new () => { readonly port1: Port; readonly port2: Port };
  readonly requestAnimationFrame?: (task: () => void) => unknown;
  readonly document?: { readonly visibilityState: string };
  readonly performance?: { now(): number };
}

interface Port {
  onmessage: (() => void) | null;
  postMessage(message: null): void;
  close(): void;
}

// As the host has them now: a test's fake timers come later, and would hold work back that nothing wakes.
const {
  setImmediate,
  setTimeout,
  clearTimeout,
  MessageChannel,
  requestAnimationFrame,
  document,
  performance,
} = globalThis as unknown as Host;
const now = performance?.now.bind(performance);

const message: Way | undefined = MessageChannel && ((resume) => messageOfItsOwn(resume));
const timer: Way = (resume) => void setTimeout(resume);
const ways: readonly Way[] = [
  // First what is the page's own: its setImmediate is a polyfill, which knows nothing of frames.
  ...(typeof document === "object" && requestAnimationFrame ? [pageTurn()] : []),
  ...(isWebWorker() ? [messageOfOneChannel()] : []),
  ...(typeof setImmediate === "function" ? [(resume: () => void) => void setImmediate(resume)] : []),
  // Timers are held back in pages.
  ...(message ? [message] : []),
  timer,
];

/**
 * A macrotask: timers, input, signals and repaints come before it resolves, which awaited microtasks never allow.
 *
 * A way is tried, not believed: edge hosts have a `setImmediate` and a `MessageChannel` that only throw, and allow no
 * timers while a module is loaded. Where nothing is allowed the work continues without a pause.
 */
export function pause(): Promise<void> {
  return new Promise((resolve) => {
    for (const way of ways)
      try {
        return way(resolve);
      } catch {
        // The next one.
      }
    resolve();
  });
}

function isWebWorker(): boolean {
  return "DedicatedWorkerGlobalScope" in globalThis;
}

/**
 * One channel for all turns; it would keep a host other than a page or a worker from ending. A page keeps an open one,
 * and with it the module that it calls, also after it has loaded that anew: so it is closed once nothing uses it.
 */
function messageOfOneChannel(): Way {
  let channel: Channel | undefined;
  let turns = 0;
  const closeUnused = (seen: number) => {
    if (turns !== seen || !channel!.close()) setTimeout(closeUnused, UNUSED, turns);
    else channel = undefined;
  };
  let refused: unknown;
  return (resume) => {
    if (refused) throw refused;
    try {
      if (!channel) {
        channel = openChannel();
        setTimeout(closeUnused, UNUSED, turns);
      }
    } catch (error) {
      refused = error;
      throw error;
    }
    turns++;
    channel.turn(resume);
  };
}

interface Channel {
  readonly turn: Way;
  /** Returns false where a turn is on its way. */
  close(): boolean;
}

function openChannel(): Channel {
  const { port1, port2 } = new MessageChannel!();
  if ("unref" in port1) {
    for (const port of [port1, port2]) port.close();
    throw new Error("Node's: the page is simulated");
  }
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()!();
  return {
    turn(resume) {
      port2.postMessage(null);
      waiting.push(resume);
    },
    close() {
      if (waiting.length > 0) return false;
      port1.close();
      return true;
    },
  };
}

function messageOfItsOwn(resume: () => void): void {
  const { port1, port2 } = new MessageChannel!();
  port1.onmessage = () => {
    port1.close();
    resume();
  };
  port2.postMessage(null);
}

/**
 * Messages, but for frames where none has come for a while. Firefox puts a frame off up to four times while a task is
 * waiting, and between slices one always is: only where none is does the frame come, then at once.
 */
function pageTurn(): Way {
  const message = messageOfOneChannel();
  const frame = framesInTime();
  let shown = false;
  return (resume) => {
    // The first turn tells whether this is a page.
    if (shown && frame(() => message(resume))) return;
    message(resume);
    shown = true;
  };
}

/** Hands a task to the next frame where none has come for a while, else returns false. */
function framesInTime(): (task: () => void) => boolean {
  let last = Number.NEGATIVE_INFINITY;
  let asked = 0;
  let watching = false;
  let blindUntil = 0;
  let waiting: (() => void)[] = [];
  let overdue: unknown;
  const release = () => {
    clearTimeout(overdue);
    const tasks = waiting;
    waiting = [];
    for (const task of tasks) task();
  };
  const onFrame = () => {
    last = now!();
    release();
    watching = last - asked < UNWATCHED;
    if (watching) requestAnimationFrame!(onFrame);
  };
  const giveUp = () => {
    blindUntil = now!() + UNWATCHED;
    release();
  };
  return (task) => {
    asked = now!();
    if (!watching) {
      watching = true;
      last = asked;
      requestAnimationFrame!(onFrame);
    }
    if (asked - last < LATE || asked < blindUntil || document!.visibilityState !== "visible") return false;
    // A frame that is out of sight may never come.
    if (waiting.push(task) === 1) overdue = setTimeout(giveUp, NOT_SHOWN);
    return true;
  };
}
