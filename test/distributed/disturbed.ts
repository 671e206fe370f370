/** @module A run whose workers, coordinator and Redis are killed at random while it is under way. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, Member, Redis } from "./support.ts";

export interface Faults {
  /** Workers killed with -9, coordinators likewise, and times that Redis is killed and started again. */
  readonly kills: number;
  readonly coordinators: number;
  readonly restarts: number;
}

export interface Disturbed {
  readonly hash: string;
  /** Faults that came while the run was under way: all of them, or the run was too short. */
  readonly done: Faults;
  readonly seconds: number;
}

export const NONE: Faults = { kills: 0, coordinators: 0, restarts: 0 };

/** What a run is, but for who does it. */
export interface RunShape {
  readonly bundle: string;
  readonly folder: string;
  readonly text: string;
  /** Faults are spread over all but the last of them, however fast the machine is. */
  readonly rounds: number;
  /** Told what has happened as it happens. */
  readonly say?: (text: string) => void;
  /** Seconds after which a run that has not ended is given up. */
  readonly limit?: number;
  /** Seconds after which a job is taken for lost: on a loaded machine one that is only slow must not be. */
  readonly lock?: number;
}

const OPTIONS = "--embedding 8 --hidden 16 --batch 4 --sequence 16 --shards 4 --local 0.25".split(" ");
/** Milliseconds between a round's end and a fault, at most. */
const PAUSE = 300;
const LOOK_MILLISECONDS = 20;
/** Share of the rounds, at the end, that no fault waits for: the run must not be over before the last fault. */
const SPARE = 0.1;
const LIMIT_SECONDS = 600;

/** A text of a few thousand lines. @returns its path */
export function writeText(folder: string, lines: number): string {
  const path = join(folder, "disturbed.txt");
  const line = (_: unknown, i: number) => `line ${i} of ${(i * 7919) % lines}: the sea, the whale\n`;
  writeFileSync(path, Array.from({ length: lines }, line).join(""));
  return path;
}

/** Does a run with a Redis of its own, and so many workers. @param random uniform in [0, 1) */
export async function disturbed(
  shape: RunShape,
  count: number,
  faults: Faults,
  random: () => number,
): Promise<Disturbed> {
  const run = new DisturbedRun(shape, new Redis(await freePort()), random);
  try {
    return await run.do(count, faults);
  } finally {
    await run.remove();
  }
}

function said({ events }: Member, event: string): boolean {
  return events.some((other) => other.event === event);
}

class DisturbedRun {
  readonly #shape: RunShape;
  readonly #redis: Redis;
  readonly #random: () => number;
  readonly #out: string;
  #coordinator!: Member;
  #workers: Member[] = [];
  #merged = 0;
  readonly #until: number;

  constructor(shape: RunShape, redis: Redis, random: () => number) {
    this.#shape = shape;
    this.#redis = redis;
    this.#random = random;
    this.#out = join(shape.folder, `disturbed-${redis.port}.svi`);
    this.#until = performance.now() + 1000 * (shape.limit ?? LIMIT_SECONDS);
  }

  async do(count: number, faults: Faults): Promise<Disturbed> {
    const started = performance.now();
    await this.#redis.start();
    this.#coordinator = this.#coordinate();
    this.#workers = Array.from({ length: count }, () => this.#work());
    const done: { -readonly [kind in keyof Faults]: number } = { ...NONE };
    const order = this.#order(faults);
    for (const [i, kind] of order.entries()) {
      await this.#reached(Math.floor((i * Math.ceil(this.#shape.rounds * (1 - SPARE))) / order.length));
      await this.#pause();
      if (this.#ended) break;
      this.#say(`fault ${i + 1} of ${order.length}, ${kind}, after round ${this.#merged}`);
      await this.#disturb(kind);
      done[kind]++;
    }
    await this.#reached(Number.POSITIVE_INFINITY);
    const last = this.#coordinator.events.at(-1);
    const hash = last?.event === "done" ? last.hash : `${JSON.stringify(last)} ${this.#coordinator.errors}`;
    return { hash, done, seconds: (performance.now() - started) / 1000 };
  }

  /** All faults in an order of chance. */
  #order({ kills, coordinators, restarts }: Faults): (keyof Faults)[] {
    const kinds = { kills, coordinators, restarts };
    return (Object.keys(kinds) as (keyof Faults)[])
      .flatMap((kind) => Array.from({ length: kinds[kind] }, () => ({ kind, at: this.#random() })))
      .sort((a, b) => a.at - b.at)
      .map(({ kind }) => kind);
  }

  /** Processes that found no Redis when they started are started again, as whatever supervises them would. */
  #supervise(): void {
    if (this.#lost(this.#coordinator)) this.#coordinator = this.#coordinate();
    this.#workers = this.#workers.map((worker) => (this.#lost(worker) ? this.#work() : worker));
  }

  #lost({ events, over }: Member): boolean {
    return over && events.at(-1)?.code === "E_REDIS";
  }

  /** Over for good: one that found no Redis is started again. */
  get #ended(): boolean {
    return this.#coordinator.over && !this.#lost(this.#coordinator);
  }

  /** Until so many rounds are merged. */
  #reached(round: number): Promise<void> {
    return this.#wait(`round ${round}`, () => {
      const merged = this.#coordinator.events.filter(({ event }) => event === "round");
      this.#merged = Math.max(this.#merged, ...merged.map((event) => event.round));
      return this.#merged >= round;
    });
  }

  /** Until it holds, or the run is over: nothing that is waited for comes after that. @throws where it takes too long */
  async #wait(what: string, holds: () => boolean): Promise<void> {
    for (;;) {
      this.#supervise();
      if (holds() || this.#ended) return;
      if (performance.now() > this.#until)
        throw new Error(`Waited for ${what} too long: ${this.#described()}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
    }
  }

  /** What every process said last. */
  #described(): string {
    const all = [this.#coordinator, ...this.#workers];
    return all.map(({ events, errors }) => `${JSON.stringify(events.at(-1))} ${errors}`).join("\n");
  }

  #say(text: string): void {
    this.#shape.say?.(text);
  }

  #pause(): Promise<unknown> {
    return new Promise((resolve) => setTimeout(resolve, PAUSE * this.#random()));
  }

  async #disturb(kind: keyof Faults): Promise<void> {
    if (kind === "restarts") {
      await this.#redis.kill();
      await this.#pause();
      await this.#redis.start();
    } else if (kind === "coordinators") {
      await this.#wait("the coordinator", () => said(this.#coordinator, "run"));
      await this.#coordinator.kill();
      await this.#pause();
      this.#coordinator = this.#coordinate();
    } else await this.#killWorker();
  }

  /** In the middle of a job, as often as not. */
  async #killWorker(): Promise<void> {
    const which = Math.floor(this.#random() * this.#workers.length);
    if (this.#random() < 0.5) await this.#wait("a worker's job", () => said(this.#workers[which], "job"));
    await this.#workers[which].kill();
    this.#workers[which] = this.#work();
  }

  get #lock(): string[] {
    return ["--lock", `${this.#shape.lock ?? 1}`];
  }

  #coordinate(): Member {
    const { bundle, text, rounds } = this.#shape;
    const at = ["--redis", this.#redis.url, "--out", this.#out, ...this.#lock];
    return new Member(bundle, ["coordinate", text, ...OPTIONS, "--rounds", `${rounds}`, ...at]);
  }

  #work(): Member {
    return new Member(this.#shape.bundle, ["work", "--redis", this.#redis.url, ...this.#lock]);
  }

  async remove(): Promise<void> {
    for (const member of [this.#coordinator, ...this.#workers]) await member?.kill();
    await this.#redis.remove();
    rmSync(this.#out, { force: true });
  }
}
