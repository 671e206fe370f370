/** @module `svi-lm train`: texts in, a model out. */

import { type FileSource, writeFileAtomically } from "../entries/node.ts";
import { requireInteger, requireNumber, SviError } from "../errors.ts";
import { evaluate } from "../evaluation/evaluate.ts";
import type { Evaluation } from "../evaluation/tally.ts";
import { LanguageModel } from "../languageModel.ts";
import { Corpus } from "../text/corpus.ts";
import type { Tokenizer } from "../text/types.ts";
import { type FitOptions, fit, type StepRecord } from "../training/fit.ts";
import { schedule } from "../training/schedule.ts";
import { CheckpointFile } from "./checkpoint.ts";
import { command, type Invocation, UsageError, type Values } from "./command.ts";
import { loadModel, naming, readTokenizer, requireWritable, reworded, sameFile, withTexts } from "./files.ts";
import { KERNELS, kernelsFor, THREADS } from "./kernels.ts";
import { METHOD, methodOf } from "./method.ts";
import { count, duration, fixed, note, printJson, printTable } from "./print.ts";
import { progressFor } from "./progress.ts";

const OPTIONS = {
  out: { kind: "text", value: "M", help: "the model file to write" },
  valid: { kind: "text", value: "F", help: "a text to measure progress on, after every pass" },
  tokenizer: {
    kind: "text",
    value: "byte|char|word|FILE",
    default: "byte",
    help: "char, word: the vocabulary is learnt; FILE: a tokenizer.json",
  },
  "min-count": { kind: "number", default: 1, help: "char, word: rarer symbols become unknown" },
  "max-vocabulary": { kind: "number", help: "char, word: the rarest symbols beyond become unknown" },
  embedding: { kind: "number", default: 64, help: "width of the embedding; with --tied that of --hidden" },
  hidden: { kind: "number", default: 256, help: "units of a layer" },
  layers: { kind: "number", default: 1, help: "LSTM layers, 1 to 4" },
  tied: { kind: "flag", help: "the output layer uses the embedding's weights" },
  softmax: {
    kind: "choice",
    choices: ["full", "adaptive"],
    default: "full",
    help: "adaptive: the output layer for large vocabularies of words",
  },
  cutoffs: { kind: "text", value: "N,N…", help: "adaptive: first ids of the clusters of rarer words" },
  ...METHOD,
  schedule: {
    kind: "choice",
    choices: ["cosine", "constant", "step"],
    default: "cosine",
    help: "how the learning rate goes",
  },
  warmup: { kind: "number", default: 0, help: "steps over which the learning rate first rises" },
  dropout: { kind: "number", value: "X", default: 0, help: "probability that a unit is dropped" },
  "warm-start": {
    kind: "text",
    value: "M",
    help: "train this model on, with its tokenizer and its shape",
  },
  batch: { kind: "number", default: 32, help: "lanes of text read side by side" },
  sequence: { kind: "number", default: 64, help: "tokens that gradients flow back through" },
  epochs: { kind: "number", value: "X", default: 5, help: "passes over the text" },
  seed: { kind: "number", default: 1, help: "the same seed gives the same model, to the bit" },
  ...THREADS,
  ...KERNELS,
  products: {
    kind: "choice",
    choices: ["float32", "int16"],
    default: "float32",
    help: "int16 trains faster; its products are of 12 and 13 bits",
  },
  checkpoint: { kind: "text", value: "DIR", help: "keep the state of the run in DIR/checkpoint.svi" },
  "checkpoint-every": {
    kind: "number",
    help: "steps between two checkpoints (default a twentieth of the run)",
  },
  resume: { kind: "flag", help: "go on from the checkpoint, to the same model as without a break" },
} as const;

type TrainOptions = Values<typeof OPTIONS>;

export const train = command({
  name: "train",
  summary: "train a model on text files; Ctrl-C saves what was learnt",
  example: "svi-lm train book.txt --out book.svi --tokenizer char --valid held-out.txt --checkpoint run",
  words: ["text…"],
  options: OPTIONS,
  async run({ words, options, json, interruption }) {
    requireConsistent(options);
    const out = options.out!;
    const method = methodOf(options);
    const kernels = await kernelsFor(options);
    await requireWritable(out);
    for (const path of [...words, ...(options.valid ? [options.valid] : [])])
      if (await sameFile(path, out)) throw new UsageError(`--out ${out} is a text that is read`);
    const inputs = options.valid ? [...words, options.valid] : words;
    return withTexts(inputs, async (texts) => {
      const { model, corpus, valid } = await open(texts, { words, options, json, interruption });
      const { steps, tokens } = sizeOf(corpus, options);
      const checkpoint = options.checkpoint === undefined ? null : new CheckpointFile(options.checkpoint);
      await checkpoint?.prepare(options.resume === true, json);
      const fitting: FitOptions = {
        inference: method,
        epochs: options.epochs,
        batch: options.batch,
        sequence: options.sequence,
        seed: options.seed,
        dropout: options.dropout,
        schedule: schedule(options.schedule, { warmup: options.warmup }),
        validation: valid ? { corpus: valid } : undefined,
        checkpoint: checkpoint?.every(steps, options["checkpoint-every"], interruption),
        resume: options.resume ? await checkpoint!.read(model) : undefined,
        signal: interruption.signal,
        kernels,
        products: options.products,
      };
      if (!json) note(opening(model, corpus, steps));
      const { first, last } = await follow(model, corpus, fitting, { words, options, json, interruption });
      if (interruption.requested && last?.step !== steps) {
        if (!last) return interrupted(json, null);
        await writeFileAtomically(out, model.toBytes());
        return interrupted(json, { out, last, hash: model.hash(), checkpoint });
      }
      await writeFileAtomically(out, model.toBytes());
      // A checkpoint of a finished run has nothing left to do, and so no record.
      const score = last ? last.valid : valid && (await evaluate(model, valid, { kernels }));
      const seconds = last?.seconds ?? 0;
      const done = {
        event: "done",
        tokens,
        seconds,
        tokensPerSecond: last ? (tokens - ((first - 1) / steps) * tokens) / seconds : 0,
        valid: score && pick(score),
        parameters: model.parameters,
        hash: model.hash(),
      };
      if (json) printJson(done);
      else report(done, out);
      return 0;
    });
  },
});

function requireConsistent(options: TrainOptions): void {
  if (options.out === undefined) throw new UsageError("--out is missing");
  const { tokenizer = "byte" } = options;
  const learnt = options["warm-start"] === undefined && (tokenizer === "char" || tokenizer === "word");
  for (const name of ["min-count", "max-vocabulary"] as const)
    if (options[name] !== undefined && !learnt)
      throw new UsageError(`--${name} applies only where --tokenizer char or word learns a vocabulary`);
  for (const name of ["checkpoint-every", "resume"] as const)
    if (options[name] !== undefined && options.checkpoint === undefined)
      throw new UsageError(`--${name} needs --checkpoint`);
  if (options["checkpoint-every"] !== undefined)
    requireInteger("checkpoint-every", options["checkpoint-every"], 1);
}

/** The texts as tokens, and the model that they are for. */
async function open(
  texts: readonly FileSource[],
  { words, options, interruption }: Invocation<typeof OPTIONS>,
): Promise<{ model: LanguageModel; corpus: Corpus; valid: Corpus | null }> {
  const { signal } = interruption;
  const start = options["warm-start"] === undefined ? null : await loadModel(options["warm-start"]);
  if (start) await requireAgreement(start, options);
  const chosen = start?.tokenizer ?? (await chosenTokenizer(options.tokenizer));
  const corpus = await naming(words.length === 1 ? words[0] : `${words.length} texts`, () =>
    Corpus.open(texts.slice(0, words.length), {
      tokenizer: chosen,
      minimumCount: options["min-count"],
      maximumVocabulary: options["max-vocabulary"],
      signal,
    }),
  );
  const { tokenizer } = corpus;
  const valid =
    texts.length > words.length
      ? await naming(options.valid!, () => Corpus.open(texts[words.length], { tokenizer, signal }))
      : null;
  const { embedding, hidden, layers, tied, softmax, seed } = options;
  const shape = { embedding, hidden, layers, tied, softmax, cutoffs: cutoffsOf(options) };
  const model = start ?? (await LanguageModel.create({ tokenizer, ...shape, seed }));
  return { model, corpus, valid };
}

function cutoffsOf({ cutoffs }: TrainOptions): number[] | undefined {
  return cutoffs?.split(",").map(Number);
}

async function chosenTokenizer(name = "byte"): Promise<Tokenizer | "byte" | "character" | "word"> {
  if (name === "char") return "character";
  return name === "byte" || name === "word" ? name : readTokenizer(name);
}

/** @throws SviError `E_OPTION` for a flag that says otherwise than the model to be trained on */
async function requireAgreement(
  { configuration, tokenizer }: LanguageModel,
  options: TrainOptions,
): Promise<void> {
  const refuse = (flag: string, given: unknown, is: unknown) =>
    new SviError("E_OPTION", `--${flag} is ${given}, but that of the model in --warm-start is ${is}`, {
      value: given,
      remedy: `Leave --${flag} away`,
    });
  for (const flag of ["embedding", "hidden", "layers", "tied", "softmax"] as const) {
    const given = options[flag];
    if (given !== undefined && given !== configuration[flag]) throw refuse(flag, given, configuration[flag]);
  }
  const cutoffs = cutoffsOf(options);
  if (cutoffs !== undefined && `${cutoffs}` !== `${configuration.cutoffs}`)
    throw refuse("cutoffs", options.cutoffs, configuration.cutoffs.join() || "none");
  if (options.tokenizer === undefined) return;
  const chosen = await chosenTokenizer(options.tokenizer);
  const agrees =
    typeof chosen === "string"
      ? chosen === tokenizer.kind
      : JSON.stringify(chosen.describe()) === JSON.stringify(tokenizer.describe());
  if (!agrees) throw refuse("tokenizer", options.tokenizer, tokenizer.kind);
}

/** Steps and tokens of the whole run, as `fit` counts them. */
function sizeOf(corpus: Corpus, options: TrainOptions): { steps: number; tokens: number } {
  const batch = requireInteger("batch", options.batch ?? 32, 1, 4096);
  const sequence = requireInteger("sequence", options.sequence ?? 64, 1, 4096);
  const epochs = requireNumber("epochs", options.epochs ?? 5, "a number above 0", (v) => v > 0);
  const steps = Math.max(1, Math.round(epochs * corpus.lanes({ batch, sequence }).windows));
  return { steps, tokens: steps * batch * sequence };
}

/** Runs the loop. @returns the first step's number and the last step's record, null where there was none */
async function follow(
  model: LanguageModel,
  corpus: Corpus,
  fitting: FitOptions,
  { options, json, interruption }: Invocation<typeof OPTIONS>,
): Promise<{ first: number; last: StepRecord | null }> {
  const progress = progressFor(json);
  let first = 0;
  let last: StepRecord | null = null;
  try {
    for await (const record of fit(model, corpus, fitting)) {
      first ||= record.step;
      last = record;
      progress.step(record);
      if (interruption.requested) break;
    }
  } catch (error) {
    if (error instanceof SviError && error.code === "E_DIVERGED")
      throw reworded(
        error,
        error.problem,
        `Train with a smaller --lr; nothing was written to ${options.out}`,
      );
    if (error !== interruption.signal.reason) throw error;
  } finally {
    progress.stop();
  }
  return { first, last };
}

function opening({ configuration, parameters }: LanguageModel, corpus: Corpus, steps: number): string {
  const { vocabulary, embedding, hidden, layers, tied, softmax } = configuration;
  const output = tied ? ", tied" : softmax === "adaptive" ? ", adaptive softmax" : "";
  return [
    `${count(corpus.tokens)} tokens of ${count(vocabulary)} kinds`,
    `${count(parameters)} parameters (${embedding} → ${layers} × ${hidden}${output})`,
    `${count(steps)} steps`,
  ].join(", ");
}

function pick({ nll, perplexity, bitsPerToken }: Evaluation) {
  return { nll, perplexity, bitsPerToken };
}

function report(
  done: {
    tokens: number;
    seconds: number;
    tokensPerSecond: number;
    valid: ReturnType<typeof pick> | null;
    parameters: number;
    hash: string;
  },
  out: string,
): void {
  const { valid } = done;
  const speed = `${count(done.tokens)} tokens in ${duration(done.seconds)}, ${count(done.tokensPerSecond)} tokens/s`;
  printTable([
    ["trained", speed],
    ...(valid
      ? [
          [
            "valid",
            `${fixed(valid.bitsPerToken)} bits/token, ${fixed(valid.nll)} nats, perplexity ${fixed(valid.perplexity, 2)}`,
          ],
        ]
      : []),
    ["parameters", count(done.parameters)],
    ["hash", done.hash],
    ["saved", out],
  ]);
}

/** Says what was kept. @returns the exit code */
function interrupted(
  json: boolean,
  saved: { out: string; last: StepRecord; hash: string; checkpoint: CheckpointFile | null } | null,
): number {
  const checkpoint = saved?.checkpoint?.written ? saved.checkpoint.path : null;
  if (json) {
    const { step, steps, tokens, seconds } = saved?.last ?? { step: 0, steps: 0, tokens: 0, seconds: 0 };
    const out = saved?.out ?? null;
    printJson({
      event: "interrupted",
      step,
      steps,
      tokens,
      seconds,
      out,
      checkpoint,
      hash: saved?.hash ?? null,
    });
  } else if (!saved) note("Interrupted before the first step; nothing was saved");
  else {
    note(
      `Interrupted after step ${saved.last.step} of ${saved.last.steps}; the model as it is was saved to ${saved.out}`,
    );
    if (checkpoint) note(`The same command with --resume goes on from ${checkpoint}`);
  }
  return 130;
}
