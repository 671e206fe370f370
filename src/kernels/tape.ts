/**
 * @module The only place that knows when work pauses. Plain functions record kernel calls, by name, and JavaScript
 * between them; `run` does what was recorded in slices of bounded work, and hands what is long to several threads.
 *
 * What depends on a result is recorded once that is there, inside of `js`: it then comes before everything else.
 */
import type { KernelCall, KernelCalls } from "./calls.ts";
import { type Cut, type Kernel, PART, pieceOf, SLICE } from "./cuts.ts";
import type { Signatures } from "./generated/signatures.ts";
import type { KernelInstance } from "./instance.ts";

/** Resumable work: yields between slices, returns a result. */
export type Slices<T = void> = Generator<void, T, void>;

type Take = (value: number) => void;
export type Named = Record<string, number>;
type Numbers<K extends Kernel> = { readonly [P in keyof Signatures[K]]?: number };

/** A call of a loop, and how much its arguments move from one turn to the next. */
export interface Step {
  readonly kernel: Kernel;
  readonly args: Named;
  readonly moves: Named;
}

type Op =
  | { readonly kind: "call"; readonly kernel: Kernel; readonly args: Named; readonly take?: Take }
  | { readonly kind: "js"; readonly work: () => void }
  | { readonly kind: "loop"; readonly times: number; readonly body: readonly Step[] };

/** Records a call; where the kernel returns a number, `take` gets that of every piece, in order. */
export type Recorder = {
  readonly [K in Kernel]: (args: Signatures[K], take?: Take) => void;
};
export type LoopRecorder = { readonly [K in Kernel]: (args: Signatures[K], moves: Numbers<K>) => void };

/** Arguments in the order that the kernel takes them in. */
export function positional({ order }: KernelCall, args: Named): number[] {
  return order.map((name) => Number(args[name]));
}

export class Tape {
  readonly k: Recorder;
  readonly #instance: Pick<KernelInstance, "exports" | "crew">;
  readonly #calls: KernelCalls;
  readonly #slice: number;
  #ops: Op[] = [];
  /** Nanoseconds since the last pause. */
  #spent = 0;

  /** @param slice nanoseconds; several threads are done sooner, and pause half as often, since all but one then idle */
  constructor(
    instance: Pick<KernelInstance, "set" | "exports" | "crew" | "threads">,
    slice = instance.threads > 1 ? 2 * SLICE : SLICE,
  ) {
    this.#instance = instance;
    this.#calls = instance.set.calls();
    this.#slice = slice;
    this.k = this.#recorder<Take | undefined>((kernel, args, take) =>
      this.#ops.push({ kind: "call", kernel, args, take }),
    ) as Recorder;
  }

  /** What takes no time, or records what depends on a result. */
  js(work: () => void): void {
    this.#ops.push({ kind: "js", work });
  }

  /** The same calls again and again, such as timesteps, each on as many lanes, which depend on none but themselves. */
  loop(times: number, record: (k: LoopRecorder) => void): void {
    const body: Step[] = [];
    record(
      this.#recorder<Named>((kernel, args, moves) => body.push({ kernel, args, moves })) as LoopRecorder,
    );
    if (times > 0) this.#ops.push({ kind: "loop", times, body });
  }

  #recorder<T>(record: (kernel: Kernel, args: Named, more: T) => void): unknown {
    const entries = Object.keys(this.#calls).map((name) => [
      name,
      (args: Named, more: T) => record(name as Kernel, args, more),
    ]);
    return Object.fromEntries(entries);
  }

  #cost(kernel: Kernel, args: Named): number {
    return this.#calls[kernel]!.cut?.cost(args) ?? 0;
  }

  /** Does what was recorded. */
  *run(): Slices {
    const ops = this.#ops;
    this.#ops = [];
    try {
      for (const op of ops) {
        if (op.kind === "call") {
          const { cut } = this.#calls[op.kernel]!;
          const cost = this.#cost(op.kernel, op.args);
          if (cut && (cut.combine ? op.args.n > PART : cost > this.#slice))
            yield* this.#pieces(op.kernel, op.args, cut, cost, op.take);
          else if (this.#do(op.kernel, op.args, cost, op.take)) yield;
        } else if (op.kind === "js") {
          op.work();
          if (this.#ops.length > 0) yield* this.run();
        } else yield* this.#turns(op.times, op.body);
      }
    } finally {
      // What a failure left.
      this.#ops = [];
    }
  }

  /** Whether it is time to pause. */
  #spend(cost: number): boolean {
    this.#spent += cost;
    if (this.#spent < this.#slice) return false;
    this.#spent = 0;
    return true;
  }

  #do(kernel: Kernel, args: Named, cost: number, take?: Take): boolean {
    const value = this.#execute(kernel, args, cost);
    take?.(value);
    return this.#spend(cost);
  }

  #execute(kernel: Kernel, args: Named, cost: number): number {
    const { crew, exports } = this.#instance;
    const shared = crew?.call(kernel, args, cost);
    if (shared !== undefined) return shared;
    return (exports[kernel] as (...args: number[]) => number)(...positional(this.#calls[kernel]!, args));
  }

  *#pieces(kernel: Kernel, args: Named, cut: Cut<Named>, cost: number, take?: Take): Slices {
    const way = cut.ways(args, 1).find(({ along, granule }) => args[along] > granule);
    if (!way) {
      if (this.#do(kernel, args, cost, take)) yield;
      return;
    }
    const units = args[way.along];
    const granules = Math.max(1, Math.floor((this.#slice * units) / cost / way.granule));
    const size = cut.combine ? PART : granules * way.granule;
    for (let from = 0; from < units; from += size) {
      const piece = pieceOf(args, way, from, Math.min(size, units - from));
      const share = cut.cost(piece);
      if (share > 2 * this.#slice) yield* this.#pieces(kernel, piece, cut, share, take);
      else if (this.#do(kernel, piece, share, take)) yield;
    }
  }

  *#turns(times: number, body: readonly Step[]): Slices {
    const cost = body.reduce((sum, { kernel, args }) => sum + this.#cost(kernel, args), 0);
    const most = Math.floor(this.#slice / cost);
    if (most === 0) {
      for (let turn = 0; turn < times; turn++) {
        for (const step of body)
          this.#ops.push({ kind: "call", kernel: step.kernel, args: turned(step, turn) });
        yield* this.run();
      }
      return;
    }
    for (let turn = 0; turn < times; turn += most) {
      const count = Math.min(most, times - turn);
      if (!this.#instance.crew) this.#repeat(body, turn, count);
      else if (!this.#instance.crew.loop(body, turn, count, cost * count))
        for (let t = turn; t < turn + count; t++)
          for (const step of body) {
            const args = turned(step, t);
            this.#execute(step.kernel, args, this.#cost(step.kernel, args));
          }
      if (this.#spend(cost * count)) yield;
    }
  }

  /** On one thread: nothing is made for a turn. */
  #repeat(body: readonly Step[], first: number, turns: number): void {
    const calls = body.map((step) => ({
      kernel: this.#instance.exports[step.kernel] as (...args: number[]) => number,
      args: positional(this.#calls[step.kernel]!, turned(step, first)),
      moves: this.#calls[step.kernel]!.order.map((name) => step.moves[name] ?? 0),
    }));
    for (let turn = 0; turn < turns; turn++)
      for (const { kernel, args, moves } of calls) {
        kernel(...args);
        for (let i = 0; i < args.length; i++) args[i] += moves[i];
      }
  }
}

/** A call's arguments in a turn of its loop. */
export function turned({ args, moves }: Step, turn: number): Named {
  const now = { ...args };
  for (const name in moves) now[name] += turn * moves[name];
  return now;
}

/** Does all of the work at once. */
export function finish<T>(work: Slices<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}
