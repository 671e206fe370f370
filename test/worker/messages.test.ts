/** What passes between a worker and its caller: turns of a run, calls over a pair of ports, errors as data. */
import { afterEach, describe, expect, test } from "vitest";
import { SviError } from "../../src/errors.ts";
import { width } from "../../src/kernels/width.ts";
import { type Endpoint, move, openChannel } from "../../src/worker/channel.ts";
import { Connection } from "../../src/worker/connection.ts";
import type { ThreadFunctions } from "../../src/worker/protocol.ts";
import { serveAt } from "../../src/worker/server.ts";
import { Turns } from "../../src/worker/turns.ts";
import { fromWire, toWire } from "../../src/worker/wire.ts";

/** Two ends, each of which hears what the other posts, later and cloned, as between threads. */
function pair(): { ends: [Endpoint, Endpoint]; transfers: Transferable[][] } {
  const heard: ((message: unknown) => void)[] = [];
  const transfers: Transferable[][] = [];
  const end = (own: number): Endpoint => ({
    post(message, transfer) {
      transfers.push(transfer);
      const copy = structuredClone(message, { transfer });
      queueMicrotask(() => heard[1 - own]?.(copy));
    },
    listen: (listener) => {
      heard[own] = listener;
    },
  });
  return { ends: [end(0), end(1)], transfers };
}

describe("a channel", () => {
  test("calls the other side's functions and returns what they return", async () => {
    const { ends } = pair();
    openChannel(ends[1], { add: (a: number, b: number) => a + b });
    const { call } = openChannel<{ add(a: number, b: number): number }>(ends[0], {});
    expect(await Promise.all([call("add", 1, 2), call("add", 3, 4)])).toEqual([3, 7]);
  });

  test("moves the buffers that are marked, and copies the others", async () => {
    const { ends, transfers } = pair();
    openChannel(ends[1], { length: (bytes: Uint8Array) => bytes.length });
    const { call } = openChannel<{ length(bytes: Uint8Array): number }>(ends[0], {});
    const [copied, moved] = [new Uint8Array(3), new Uint8Array(5)];
    expect(await call("length", copied)).toBe(3);
    expect(await call("length", move(moved, moved.buffer))).toBe(5);
    expect([copied.length, moved.length]).toEqual([3, 0]);
    expect(transfers.flat()).toHaveLength(1);
  });

  test("throws what the other side threw, an SviError as an SviError", async () => {
    const { ends } = pair();
    openChannel(ends[1], {
      fail() {
        throw new SviError("E_BUSY", "It is in use", { option: "model", value: 3, remedy: "Wait" });
      },
    });
    const { call } = openChannel<{ fail(): void }>(ends[0], {});
    const error = await call("fail").catch((reason) => reason);
    expect(error).toBeInstanceOf(SviError);
    expect(error).toMatchObject({
      code: "E_BUSY",
      problem: "It is in use",
      option: "model",
      value: 3,
      remedy: "Wait",
    });
  });

  test("rejects every call that waits, and hears nothing that is not svi-lm's", async () => {
    const { ends } = pair();
    const { call, reject } = openChannel<{ never(): void }>(ends[0], {});
    ends[1].post({ other: "message" }, []);
    ends[1].post(null, []);
    const waiting = call("never");
    reject(new Error("gone"));
    await expect(waiting).rejects.toThrow("gone");
  });
});

describe("256-bit code", () => {
  const before = width.reason;
  afterEach(() => {
    width.reason = before;
  });

  test.each([
    ["Not asked for", false],
    [null, true],
  ])("is for workers that are made where the reason against it is %o: %o", async (reason, wide) => {
    const { ends } = pair();
    const posted: string[] = [];
    const worker = {
      postMessage(message: unknown) {
        posted.push(JSON.stringify(message));
        ends[0].post(message, []);
      },
      on: (event: string, heard: (message: unknown) => void) => event === "message" && ends[0].listen(heard),
      terminate() {},
    };
    serveAt(ends[1], {});
    width.reason = reason;
    await new Connection(worker as never).greet({});
    expect(posted[0]).toContain(`"wide":${wide}`);
  });

  test("is taken by a worker that is told to, and by no other", async () => {
    const { ends } = pair();
    serveAt(ends[1], {});
    const { call } = openChannel<ThreadFunctions>(ends[0], { ready() {} });
    await call("hello", { wide: false });
    expect(width.reason).toBe(before);
    await call("hello", { wide: true });
    expect(width.reason).toBeNull();
  });
});

describe("a worker refuses", () => {
  const served = () => {
    const { ends } = pair();
    serveAt(ends[1], {});
    return openChannel<ThreadFunctions>(ends[0], { ready() {} });
  };
  const refusal = { name: "SviError", code: "E_OPTION" };

  test("numbers of what it does not hold, or holds as another thing", async () => {
    const { call } = served();
    const { tokenizer, handle } = await call("corpusOfTokens", Int32Array.of(1, 2), "byte");
    await expect(call("hash", 99)).rejects.toMatchObject({ ...refusal, option: "model", value: 99 });
    await expect(call("hash", handle)).rejects.toMatchObject({ ...refusal, option: "model" });
    await expect(call("encode", handle, "a")).rejects.toMatchObject({ ...refusal, option: "tokenizer" });
    await expect(call("next", 7)).rejects.toMatchObject({ ...refusal, option: "job", value: 7 });
    expect(await call("decode", tokenizer.handle, Int32Array.of(97))).toBe("a");
  });

  test.each([
    ["hello"],
    ["openCorpus", 1, "a text"],
    ["openCorpus", 1, [null], { tokenizer: "byte" }],
    ["openCorpus", 1, ["a text"], { tokenizer: null }],
    ["encode", 1, null],
    ["createModel", null],
    ["loadModel", 1, {}],
    ["release", "1"],
  ])("%s with %s, %s, %s", async (name, ...args) => {
    await expect(served().call(name as "hash", ...(args as [number]))).rejects.toBeInstanceOf(SviError);
  });
});

describe("an error as data", () => {
  test("keeps name, message and stack of any error, and what is thrown without being one", () => {
    const error = fromWire(structuredClone(toWire(new TypeError("wrong"))));
    expect(error).toMatchObject({ name: "TypeError", message: "wrong" });
    expect(error.stack).toContain("messages.test");
    expect(fromWire(toWire("a string")).message).toContain("a string");
    expect(fromWire(toWire(undefined))).toBeInstanceOf(Error);
  });

  test("names a value that cannot leave its thread", () => {
    const error = new SviError("E_OPTION", "until is a function", { value: () => 1, remedy: "Omit it" });
    const { value } = structuredClone(toWire(error));
    expect(value).toBe("() => 1");
  });
});

describe("turns of a run", () => {
  /** A run that records each change of its weights, and asks before each. */
  async function* run(
    changes: number[],
    turn: () => Promise<boolean>,
    steps = 3,
  ): AsyncGenerator<number, void, void> {
    for (let step = 1; step <= steps; step++) {
      if (!(await turn())) return;
      changes.push(step);
      yield step;
    }
  }

  test("a step is made when it is asked for, and none beyond", async () => {
    const changes: number[] = [];
    const turns = new Turns<number>();
    turns.run(run(changes, turns.turn));
    expect(changes).toEqual([]);
    expect(await turns.next()).toBe(1);
    await new Promise((resolve) => setTimeout(resolve));
    expect(changes).toEqual([1]);
    expect([await turns.next(), await turns.next(), await turns.next()]).toEqual([2, 3, undefined]);
    expect(changes).toEqual([1, 2, 3]);
  });

  test("an end drops the step ahead", async () => {
    const changes: number[] = [];
    const turns = new Turns<number>();
    turns.run(run(changes, turns.turn));
    await turns.next();
    await turns.end();
    expect(changes).toEqual([1]);
  });

  test("what a run throws ahead is told when its value is asked for", async () => {
    const turns = new Turns<number>();
    const failing = async function* () {
      yield 1;
      throw new Error("diverged");
    };
    turns.run(failing());
    expect(await turns.next()).toBe(1);
    await expect(turns.next()).rejects.toThrow("diverged");
  });
});
