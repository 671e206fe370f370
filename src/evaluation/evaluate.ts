/** @module How well a model predicts a text, read as one stream: every token after the first. */
import { requireInteger, requireNumber, SviError } from "../errors.ts";
import { KernelInstance } from "../kernels/instance.ts";
import { type Kernels, prepareKernels } from "../kernels/kernels.ts";
import { MemoryPlan } from "../kernels/memory.ts";
import { seedOf } from "../kernels/random.ts";
import { drive } from "../kernels/slices.ts";
import { TRAINING } from "../kernels/training.ts";
import type { Posterior } from "../model/posterior.ts";
import { type Kinds, requireOptions } from "../options.ts";
import { type CachedForm, requireForm } from "../prediction/ensemble.ts";
import {
  documentsOf,
  type Model,
  PREDICTING,
  requireCorpus,
  requireModel,
  requireSamples,
  requireVocabulary,
} from "../prediction/model.ts";
import type { Corpus } from "../text/corpus.ts";
import { type DynamicOptions, DynamicReader, requireDynamic } from "./dynamic.ts";
import { planReader, type Reader } from "./readers.ts";
import { type Evaluation, Tally } from "./tally.ts";

export interface EvaluateOptions extends CachedForm {
  /** Posterior samples whose probabilities are averaged, each with its own state; 0 for the mean alone. */
  readonly samples?: number;
  /**
   * The weights learn from the text while it is scored, each piece after it was predicted (dynamic evaluation, Krause
   * et al. 2018); the model keeps its own. For the mean in float32, without a cache.
   */
  readonly dynamic?: boolean | DynamicOptions;
  /**
   * Probabilities to the power of 1/temperature, over their sum; 1 by default. `fitTemperature` finds the one that
   * suits a model. Of samples it is that of their average; mutual information stays as it is.
   */
  readonly temperature?: number;
  readonly seed?: number;
  /** Token id that starts a document: the state is reset before it. The corpus's own by default, else the model's; null for none. */
  readonly separator?: number | null;
  readonly signal?: AbortSignal;
  readonly memoryLimit?: number;
  /** What computes: the entry point's own by default. */
  readonly kernels?: Kernels;
}

/** Timesteps of a window: as many as leave a chunk of logits of about 4 MB. */
const LONGEST_WINDOW = 256;
const CHUNK_FLOATS = 2 ** 20;

export const EVALUATING: Kinds<EvaluateOptions> = {
  cache: "any",
  dynamic: "any",
  temperature: "number",
  separator: "any",
  ...PREDICTING,
};

/**
 * Scores a corpus.
 * @throws SviError `E_VOCABULARY_MISMATCH`, `E_TEXT_SHORT`, `E_OPTION`, `E_DIVERGED` (a prediction that is not a
 *   number), `E_MEMORY`; the signal's reason when aborted
 */
export async function evaluate(
  model: Model,
  text: Corpus,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  requireModel(model);
  requireOptions("evaluate", options, EVALUATING);
  requireCorpus(text);
  const samples = requireSamples(model.posterior, options.samples ?? 0);
  await prepareKernels(TRAINING, options.kernels);
  requireVocabulary(model, text);
  const documents = documentsOf(model, text, options.separator);
  const corpus = await text.heeding(documents);
  const separator = documents?.separator ?? -1;
  const longest = text.documents?.longest;
  const evaluator = new Evaluator(model, samples, { ...options, separator, longest });
  try {
    return await evaluator.score(corpus, options.signal);
  } finally {
    evaluator.release();
  }
}

function requireTemperature(temperature = 1): number {
  return requireNumber(
    "temperature",
    temperature,
    "a number from 0.001 to 1000",
    (t) => t >= 1e-3 && t <= 1e3,
  );
}

/** A forward-only instance; a run of inference keeps one for its validations. */
export class Evaluator {
  readonly #model: Model;
  readonly #samples: number;
  readonly #seed: number;
  readonly #form: ReturnType<typeof requireForm>;
  readonly #plan: MemoryPlan;
  readonly #sequence: number;
  readonly #reader: Reader;

  constructor(
    model: Model,
    samples: number,
    options: CachedForm &
      Pick<EvaluateOptions, "dynamic" | "temperature" | "seed" | "memoryLimit" | "kernels"> & {
        /** -1 for none. */
        readonly separator?: number;
        /** Timesteps of the longest document, which a window of pairs holds whole. */
        readonly longest?: number;
        /** Whose predictions by the mean are averaged, in place of samples: as many, and of one shape. */
        readonly members?: readonly Posterior[];
      } = {},
  ) {
    const { posterior } = model;
    this.#model = model;
    this.#samples = samples;
    this.#seed = requireInteger("seed", options.seed ?? 1, 0, Number.MAX_SAFE_INTEGER);
    this.#form = requireForm(options);
    this.#plan = new MemoryPlan(new KernelInstance(TRAINING, options.kernels), options.memoryLimit);
    const stride = Math.ceil(posterior.configuration.vocabulary / 4) * 4;
    const dynamic = requireDynamic(options.dynamic);
    if (dynamic) requireMean(samples, options);
    this.#sequence = Math.max(
      options.longest ?? 1,
      dynamic?.every ?? Math.max(16, Math.min(LONGEST_WINDOW, Math.floor(CHUNK_FLOATS / stride))),
    );
    const [plan, sequence] = [this.#plan, this.#sequence];
    const separator = options.separator ?? -1;
    const temperature = requireTemperature(options.temperature);
    const seed = seedOf(this.#seed);
    const context = { plan, posterior, samples, seed, sequence, stride, separator, temperature };
    const { members } = options;
    this.#reader = dynamic
      ? new DynamicReader(context, dynamic)
      : planReader({ ...context, members }, options);
    this.#plan.commit();
  }

  /** Ends the use of its kernels. */
  release(): void {
    this.#plan.instance.release();
  }

  async score(corpus: Corpus, signal?: AbortSignal): Promise<Evaluation> {
    requireVocabulary(this.#model, corpus);
    const sequence = this.#sequence;
    const lanes = corpus.lanes({ batch: 1, sequence, partial: true });
    const inputs = new Int32Array(sequence);
    const targets = new Int32Array(sequence);
    const sources = corpus.documents
      ? { from: new Int32Array(sequence), to: new Int32Array(sequence) }
      : undefined;
    const tally = new Tally(corpus.tokenizer.unknown);
    await drive(this.#reader.begin(), signal);
    try {
      for (;;) {
        const steps = await lanes.next(inputs, targets, sources);
        if (steps === 0) break;
        if (tally.first < 0) tally.first = inputs[0];
        await drive(this.#reader.read(inputs, targets, steps, sources), signal);
        this.#count(tally, targets, steps);
      }
    } finally {
      await lanes.close();
    }
    return {
      ...tally.result(corpus, this.#samples, this.#plan.instance.exports),
      samples: this.#samples,
      seed: this.#seed,
      sampling: this.#samples > 0 ? this.#form.sampling : null,
      quantized: this.#form.quantized ?? null,
    };
  }

  #count(tally: Tally, targets: Int32Array, steps: number): void {
    const { nll, entropy, samplesEntropy, scores } = this.#reader.rows;
    tally.add(
      targets,
      this.#plan.floats(nll, steps),
      this.#plan.floats(entropy, steps),
      this.#samples > 0 ? this.#plan.floats(samplesEntropy, steps) : null,
      this.#plan.floats(scores, 4 * steps),
      this.#samples,
    );
  }
}

/** @throws SviError `E_OPTION` for what learning weights are not read with */
function requireMean(samples: number, { quantized, cache }: CachedForm): void {
  const other = samples > 0 ? "samples" : quantized ? "quantized" : cache ? "cache" : null;
  if (other)
    throw new SviError("E_OPTION", `${other} was given along with dynamic`, {
      option: other,
      value: samples || quantized || cache,
      remedy: "Omit one of them: dynamic evaluation reads with the mean, in float32",
    });
}
