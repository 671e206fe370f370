/** @module Calls in both directions between a thread and the one that made it; birpc matches answers to calls. */
import { createBirpc } from "./birpc.ts";
import { fromWire, toWire, type WireError } from "./wire.ts";

/** One end of a pair of ports, of whatever host. */
export interface Endpoint {
  post(message: unknown, transfer: object[]): void;
  listen(heard: (message: unknown) => void): void;
}

type Functions = Record<string, (...args: never[]) => unknown>;

/** The other side's functions: `call` waits for an answer, `tell` does not. */
export interface Channel<Remote> {
  call<K extends keyof Remote & string>(name: K, ...args: Arguments<Remote[K]>): Promise<Result<Remote[K]>>;
  tell<K extends keyof Remote & string>(name: K, ...args: Arguments<Remote[K]>): void;
  /** Rejects every call that has no answer yet. */
  reject(error: Error): void;
}

type Arguments<F> = F extends (...args: infer A) => unknown ? A : never;
type Result<F> = F extends (...args: never[]) => infer R ? Awaited<R> : never;

/** birpc's message: arguments of a call, or result or error of an answer. */
interface Message {
  readonly a?: readonly unknown[];
  readonly r?: unknown;
  readonly e?: unknown;
}

/** Other messages of a worker that somebody made for more than svi-lm pass by. */
const ENVELOPE = "svi-lm";
const moved = new WeakMap<object, object[]>();

/** Marks a value whose buffers are to be moved, not copied, when it is an argument or a result. */
export function move<T extends object>(value: T, ...buffers: (ArrayBufferLike | undefined)[]): T {
  moved.set(
    value,
    buffers.filter((buffer) => buffer !== undefined),
  );
  return value;
}

export function openChannel<Remote>(endpoint: Endpoint, functions: object): Channel<Remote> {
  const rpc = createBirpc<Functions, Functions>(functions as Functions, {
    post: (message: Message) => endpoint.post({ [ENVELOPE]: message }, transferOf(message)),
    on: (heard) =>
      endpoint.listen((data) => {
        const message = (data as Record<string, unknown> | null)?.[ENVELOPE];
        if (message) heard(message);
      }),
    serialize: (message: Message) => (message.e ? { ...message, e: toWire(message.e) } : message),
    deserialize: (message: Message) =>
      message.e ? { ...message, e: fromWire(message.e as WireError) } : message,
    bind: "functions",
    // Training takes as long as it takes.
    timeout: -1,
  });
  return {
    call: (name, ...args) => rpc.$call(name, ...(args as unknown as never[])) as never,
    tell: (name, ...args) => void rpc.$callEvent(name, ...(args as unknown as never[])),
    reject: (error) => void rpc.$rejectPendingCalls(({ reject }) => reject(error)),
  };
}

function transferOf({ a = [], r }: Message): object[] {
  return [...a, r].flatMap((value) => (typeof value === "object" && value && moved.get(value)) || []);
}
