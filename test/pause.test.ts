/** What a host says it has is tried, in hosts made up of nothing but what they say. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

const refuse = () => {
  throw new Error("not supported here");
};

/** pause() as loaded in a host that has these globals. */
async function pauseIn(globals: Record<string, unknown>): Promise<() => Promise<void>> {
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
  vi.resetModules();
  return (await import("../src/pause.ts")).pause;
}

beforeEach(() => void vi.unstubAllGlobals());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Whether other tasks come first: what awaited microtasks never allow. */
async function letsOthersFirst(pause: () => Promise<void>): Promise<boolean> {
  let came = false;
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    came = true;
    port1.close();
  };
  port2.postMessage(null);
  for (let turns = 0; turns < 20 && !came; turns++) await pause();
  return came;
}

describe("pause() is a task of the host's", () => {
  test("in a host with timers", async () => {
    expect(await letsOthersFirst(await pauseIn({}))).toBe(true);
  });

  test.each([
    ["setImmediate only throws", { setImmediate: refuse }],
    ["MessageChannel throws as well", { setImmediate: refuse, MessageChannel: refuse }],
    ["MessageChannel is absent", { setImmediate: undefined, MessageChannel: undefined }],
    ["setImmediate is absent", { setImmediate: undefined }],
  ])("where %s", async (_, globals) => {
    const { MessageChannel } = globalThis;
    const pause = await pauseIn(globals);
    vi.stubGlobal("MessageChannel", MessageChannel);
    expect(await letsOthersFirst(pause)).toBe(true);
  });

  test("where a test has put fake timers in place after it was loaded", async () => {
    const pause = await pauseIn({});
    vi.useFakeTimers({ toFake: ["setImmediate", "setTimeout", "clearTimeout", "performance"] });
    await pause();
  });

  test("where a page is simulated in Node: its frames may never come", async () => {
    const frames = vi.fn();
    const pause = await pauseIn({
      document: { visibilityState: "visible" },
      requestAnimationFrame: frames,
    });
    expect(await letsOthersFirst(pause)).toBe(true);
    expect(frames).not.toHaveBeenCalled();
  });
});

test("work continues without a pause where the host allows no task at all", async () => {
  const pause = await pauseIn({ setImmediate: refuse, MessageChannel: refuse, setTimeout: refuse });
  await pause();
});

class Port {
  onmessage: (() => void) | null = null;
  other!: Port;
  postMessage() {
    queueMicrotask(() => this.other.onmessage?.());
  }
  close() {
    Channel.open--;
  }
}

class Channel {
  static open = 0;
  port1 = new Port();
  port2 = new Port();
  constructor() {
    Channel.open++;
    this.port1.other = this.port2;
    this.port2.other = this.port1;
  }
}

const PAGE = {
  document: { visibilityState: "visible" },
  requestAnimationFrame: () => 0,
  MessageChannel: Channel,
};

test("a page's own polyfill of setImmediate is left alone", async () => {
  const polyfill = vi.fn(refuse);
  const pause = await pauseIn({ ...PAGE, setImmediate: polyfill });
  await pause();
  await pause();
  expect(polyfill).not.toHaveBeenCalled();
});

test.each([
  ["page", { ...PAGE, document: { visibilityState: "hidden" } }],
  ["worker", { MessageChannel: Channel, DedicatedWorkerGlobalScope: {} }],
])("a %s's channel, which keeps the module alive, is closed once it is not used", async (_, globals) => {
  vi.useFakeTimers();
  Channel.open = 0;
  const pause = await pauseIn(globals);
  for (const _ of "two runs") {
    for (let seconds = 0; seconds < 5; seconds++) {
      await pause();
      expect(Channel.open).toBe(1);
      vi.advanceTimersByTime(900);
    }
    vi.advanceTimersByTime(2000);
    expect(Channel.open).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  }
});
