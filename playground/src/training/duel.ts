/** @module Variational inference beside maximum likelihood, on one text: continues whatever view is looked at. */
import { type Card, current, hold, letGo, use } from "../engine/current.ts";
import { isLost } from "../engine/engines.ts";
import { Signal } from "../signal.ts";
import { requireLearnable } from "../texts/check.ts";
import { Gate } from "./gate.ts";
import { type Material, Runner } from "./runner.ts";
import type { Settings } from "./settings.ts";

export type Phase = "idle" | "preparing" | "running" | "paused" | "lost" | "done" | "failed";

export interface Task extends Material {
  /** What the text is called. */
  readonly label: string;
}

export class Duel {
  readonly task: Task;
  readonly settings: Settings;
  readonly own: Runner;
  readonly rival: Runner | null;
  readonly #gate = new Gate();
  readonly #lost: Runner[] = [];
  /** The run that it took the place of, for where it comes to nothing. */
  before: Duel | null = null;
  phase: Phase = "preparing";
  error: unknown = null;
  /** Whether it was told to end: a step and a last text may be under way. */
  ending = false;
  #running = 0;

  /** @throws Refusal for a text that nothing can be learnt from */
  constructor(task: Task, settings: Settings) {
    requireLearnable(task.text);
    this.task = task;
    this.settings = settings;
    const runner = (role: "own" | "rival") => new Runner(role, task, settings, this.#gate, progressed);
    this.own = runner("own");
    this.rival = settings.rival ? runner("rival") : null;
    for (const one of this.runners) this.#gate.add(one);
  }

  get runners(): readonly Runner[] {
    return this.rival ? [this.own, this.rival] : [this.own];
  }

  /** Whether it ended before a step was taken: there is nothing to show of it. */
  get stillborn(): boolean {
    return this.phase === "failed" && this.own.record === null;
  }

  /** Part of it that is done, of the run that is behind. */
  get fraction(): number {
    return Math.min(...this.runners.map(({ fraction }) => fraction));
  }

  get active(): boolean {
    return this.phase === "preparing" || this.phase === "running" || this.phase === "paused";
  }

  start(): void {
    for (const runner of this.runners) void this.#run(runner);
    changed();
  }

  pause(paused: boolean): void {
    this.#gate.paused = paused;
    this.phase = paused ? "paused" : "running";
    changed();
  }

  /** Ends both runs with what they learnt. */
  stop(): void {
    this.ending = true;
    this.#gate.stop();
    changed();
  }

  /** Starts lost workers anew, from the last checkpoint. */
  recover(): void {
    for (const runner of this.#lost.splice(0)) {
      this.#gate.enter(runner);
      void this.#run(runner);
    }
    this.phase = "preparing";
    this.error = null;
    changed();
  }

  async #run(runner: Runner): Promise<void> {
    this.#running++;
    try {
      const train = await runner.prepare();
      if (runner === this.own) hold(runner.model!);
      if (this.phase === "preparing") this.phase = "running";
      changed();
      await train(() => this.#fits(runner));
      if (runner === this.own) this.#finished();
    } catch (error) {
      this.#fail(runner, error);
    } finally {
      this.#running--;
      this.#gate.leave(runner);
      if (this.#running === 0 && (this.phase === "running" || this.phase === "paused")) this.phase = "done";
      changed();
    }
  }

  /** Takes its model into use, where that is another. */
  take(): void {
    if (current.value?.model !== this.own.model) this.#use();
  }

  /** Gives back what nothing shows any more; a model in use stays. */
  release(): void {
    if (this.own.model) letGo(this.own.model);
    this.rival?.model?.dispose().catch(() => {});
  }

  #fits(runner: Runner): void {
    if (runner !== this.own) return;
    this.take();
    this.before?.release();
    this.before = null;
  }

  #use(): void {
    const { model, file } = this.own;
    if (model) use({ model, file, card: this.card(), kept: null, posterior: true });
  }

  /** What is known of the model now goes with it; one that was kept meanwhile had learnt less. */
  #finished(): void {
    if (current.value?.model === this.own.model) this.#use();
  }

  #fail(runner: Runner, error: unknown): void {
    this.error = error;
    if (isLost(error)) {
      this.#lost.push(runner);
      if (runner === this.own) {
        if (current.value?.model === runner.model) use(null);
        if (runner.model) letGo(runner.model);
      }
      this.phase = "lost";
      return;
    }
    this.phase = "failed";
    if (runner.record === null && runner.model) letGo(runner.model);
    this.#gate.stop();
  }

  card(): Card {
    const { curve, evaluation } = this.own;
    return {
      name: this.task.label,
      text: this.task.label,
      tokenizer: this.settings.tokenizer,
      heldOutBits: evaluation?.bitsPerToken ?? curve.bits.at(-1) ?? null,
      calibration: evaluation?.ece,
      prompt: this.task.prompt,
    };
  }
}

/** The run of this page, or the last one. */
export const duel = new Signal<Duel | null>(null);

function changed(): void {
  clearTimeout(soon);
  soon = undefined;
  duel.tell();
}

/** Milliseconds between two looks at a run: steps come more often than anybody reads, and each look costs a layout. */
const LOOK_EVERY = 150;
let soon: ReturnType<typeof setTimeout> | undefined;

function progressed(): void {
  soon ??= setTimeout(changed, LOOK_EVERY);
}

/** Begins a run; the one before ends. @throws Refusal */
export function begin(task: Task, settings: Settings): void {
  const next = new Duel(task, settings);
  const shown = duel.value;
  shown?.stop();
  next.before = shown?.stillborn ? shown.before : shown;
  next.before?.before?.release();
  if (next.before) next.before.before = null;
  duel.value = next;
  next.start();
}

/** Puts an earlier run back in view. */
export function show(run: Duel): void {
  duel.value = run;
}
