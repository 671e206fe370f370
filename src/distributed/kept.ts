/**
 * @module What a worker keeps of its jobs for the next ones: the tokens of shards, the posterior that a round begins
 * with, the states that it left itself. A job comes to the same bits without any of it.
 */
import { defaultKernels, type Kernels } from "../kernels/kernels.ts";
import { Corpus } from "../text/corpus.ts";
import type { JsonTokenizerReader, Tokenizer } from "../text/types.ts";
import { type ModelFile, readModel } from "../training/modelFile.ts";
import type { RunPlan } from "./plan.ts";
import { Recent } from "./recent.ts";
import { reusing } from "./reusing.ts";
import type { Job } from "./round.ts";
import type { Blobs } from "./store.ts";
import { openShard } from "./texts.ts";

/** Most bytes of tokens, and of states. */
const MOST_BYTES = 2 ** 26;
/** Tokens of a shard above which a corpus keeps an index alone, and reads the text again. */
const MOST_TOKENS = 2 ** 24;

interface KnownText {
  readonly version: string;
  readonly corpus: Corpus;
}

export class Kept {
  readonly #texts = new Recent<KnownText>(MOST_BYTES);
  readonly #states: Recent<Uint8Array>;
  /** All jobs of a round begin with the same one. */
  #model: { readonly name: string; readonly model: ModelFile } | null = null;

  #kernels: { readonly given: Kernels; readonly reusing: Kernels } | null = null;

  /** @param states bytes of states that are kept; those that another thread sends anyway need not be */
  constructor(states = MOST_BYTES) {
    this.#states = new Recent(states);
  }

  /** The kernels, whose memory the next job uses again. */
  kernels(given: Kernels = defaultKernels()): Kernels {
    if (this.#kernels?.given !== given) this.#kernels = { given, reusing: reusing(given) };
    return this.#kernels.reusing;
  }

  /** Not to be changed: the next job begins with it. @throws SviError `E_STORE` */
  async model(name: string, blobs: Blobs, json?: JsonTokenizerReader): Promise<ModelFile> {
    if (this.#model?.name !== name) this.#model = { name, model: readModel(await blobs.get(name), { json }) };
    return this.#model.model;
  }

  /** @throws SviError `E_STORE` */
  async state(name: string, blobs: Blobs): Promise<Uint8Array> {
    return this.#states.get(name) ?? (await blobs.get(name));
  }

  /** What the shard's next job begins with, if this worker does that one, too. */
  leave(name: string, state: Uint8Array): void {
    this.#states.put(name, state, state.length);
  }

  /**
   * The tokens of a job's shard; those of a text that was not written to since are at hand.
   * @returns also what to call when the job has ended
   * @throws what opening the text throws; the signal's reason
   */
  async corpus(
    { shards, lineEnds }: RunPlan,
    { plan, shard }: Pick<Job, "plan" | "shard">,
    tokenizer: Tokenizer,
    signal?: AbortSignal,
  ): Promise<{ readonly corpus: Corpus; close(): Promise<void> }> {
    const key = `${plan} ${shard}`;
    const { sources, version, close } = await openShard(shards[shard]);
    try {
      const known = this.#texts.get(key);
      if (known && known.version === version) return { corpus: known.corpus, close };
      const corpus = await Corpus.open(sources, { tokenizer, lineEnds, signal, cacheTokens: MOST_TOKENS });
      if (version !== null && corpus.tokens <= MOST_TOKENS)
        this.#texts.put(key, { version, corpus }, corpus.tokens * bytesOfId(tokenizer));
      return { corpus, close };
    } catch (error) {
      await close();
      throw error;
    }
  }
}

function bytesOfId({ vocabularySize }: Tokenizer): number {
  if (vocabularySize <= 2 ** 8) return 1;
  return vocabularySize <= 2 ** 16 ? 2 : 4;
}
