/**
 * @module Merges the results of a round: the posterior's natural parameters follow the changes, each by its shard's
 * share, in the order of the shards.
 *
 * A result may be told as it comes: what is next in order is added at once, while the other shards are trained on. What
 * counts is what the round's end says; where that is something else, all is added again.
 */
import { Posterior } from "../model/posterior.ts";
import type { JsonTokenizerReader, Tokenizer } from "../text/types.ts";
import { readModel, writeModel } from "../training/modelFile.ts";
import { carryOn, velocityFromBytes, velocityToBytes } from "./momentum.ts";
import { addChange, changeFromBytes, type Naturals, naturalsOf, normalOf } from "./naturals.ts";
import { priorPrecisionOf, type RunPlan, sharesOf } from "./plan.ts";
import { type JobResult, WARM_UP } from "./round.ts";
import type { RoundState } from "./rounds.ts";
import type { Blobs } from "./store.ts";

interface Begun {
  readonly tokenizer: Tokenizer;
  readonly posterior: Posterior;
}

/** Changes of a round that have been added up: those of the first shards. */
interface Sum {
  readonly state: RoundState;
  readonly naturals: Naturals;
  readonly added: string[];
  /** Told, and not yet in turn. */
  readonly coming: Map<number, string>;
}

type Start = Pick<RoundState, "model" | "velocity">;

export class Merger {
  readonly #plan: RunPlan;
  readonly #blobs: Blobs;
  readonly #json: JsonTokenizerReader | undefined;
  readonly #shares: readonly number[];
  /** What the last merge came to: the next one begins with it. */
  #last: (Start & { readonly begun: Begun; readonly moved: Float32Array | null }) | null = null;
  #sum: Sum | null = null;
  /** What is being added. */
  #busy: Promise<void> = Promise.resolve();

  constructor(plan: RunPlan, blobs: Blobs, json?: JsonTokenizerReader) {
    this.#plan = plan;
    this.#blobs = blobs;
    this.#json = json;
    this.#shares = sharesOf(plan.shards);
  }

  /** A result of the round that begins with `state`, in any order. What fails here fails again at the round's end. */
  told(state: RoundState, shard: number, change: string): void {
    // Which comes to a model, not to a change.
    if (state.round === WARM_UP) return;
    this.#busy = this.#busy
      .then(async () => {
        const sum = await this.#sumOf(state);
        sum.coming.set(shard, change);
        await this.#addComing(sum);
      })
      .catch(() => {
        this.#sum = null;
      });
  }

  /** @param results of all shards, in their order */
  async merged(state: RoundState, results: readonly Pick<JobResult, "change">[]): Promise<Start> {
    await this.#busy;
    const names = results.map(({ change }) => change);
    if (this.#sum?.added.some((name, i) => name !== names[i])) this.#sum = null;
    const sum = await this.#sumOf(state);
    names.forEach((name, i) => {
      sum.coming.set(i, name);
    });
    await this.#addComing(sum);
    this.#sum = null;
    return this.#finish(state, sum.naturals);
  }

  async #sumOf(state: RoundState): Promise<Sum> {
    if (this.#sum?.state.model !== state.model) {
      const { posterior } = await this.#begun(state);
      const { layout, mean, precision } = posterior;
      const naturals = naturalsOf(layout, { mean, precision: precision! });
      this.#sum = { state, naturals, added: [], coming: new Map() };
    }
    return this.#sum;
  }

  async #begun({ model }: RoundState): Promise<Begun> {
    if (this.#last?.model === model) return this.#last.begun;
    return readModel(await this.#blobs.get(model), { json: this.#json });
  }

  /** One change at a time: memory does not grow with the number of shards. */
  async #addComing({ naturals, added, coming }: Sum): Promise<void> {
    for (let next = coming.get(added.length); next !== undefined; next = coming.get(added.length)) {
      const change = changeFromBytes(await this.#blobs.get(next));
      addChange(naturals, change, this.#plan.damping * this.#shares[added.length]);
      added.push(next);
    }
  }

  async #finish(state: RoundState, naturals: Naturals): Promise<Start> {
    const { posterior, tokenizer } = await this.#begun(state);
    const { layout, configuration, mean, lambda } = posterior;
    const { momentum } = this.#plan;
    const normal = normalOf(layout, naturals, priorPrecisionOf(this.#plan.method));
    const moved = carryOn(mean, normal.mean, await this.#velocity(state), momentum);
    const begun = {
      posterior: new Posterior(configuration, normal.mean, normal.precision, lambda),
      tokenizer,
    };
    const [model, velocity] = await Promise.all([
      this.#blobs.put(writeModel(begun)),
      momentum > 0 ? this.#blobs.put(velocityToBytes(moved)) : null,
    ]);
    this.#last = { model, velocity, begun, moved: momentum > 0 ? moved : null };
    return { model, velocity };
  }

  async #velocity({ velocity }: RoundState): Promise<Float32Array | null> {
    if (velocity === null) return null;
    if (this.#last?.velocity === velocity) return this.#last.moved;
    return velocityFromBytes(await this.#blobs.get(velocity));
  }
}
