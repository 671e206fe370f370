/** @module `svi-lm train`: texts in, a model out. */

import type { FileSource } from "../entries/node.ts";
import { requireInteger, requireNumber, SviError } from "../errors.ts";
import { proveRoom } from "../formats/file.ts";
import { hasPosterior } from "../inference/methods.ts";
import { LanguageModel } from "../languageModel.ts";
import { Corpus } from "../text/corpus.ts";
import type { Tokenizer } from "../text/types.ts";
import type { FitOptions } from "../training/fit.ts";
import { schedule } from "../training/schedule.ts";
import { CHECKPOINT, CheckpointFile } from "./checkpoint.ts";
import { command, type Invocation, type Values } from "./command.ts";
import {
  loadModel,
  naming,
  openValidation,
  readTokenizer,
  requireWritable,
  TOKENIZERS,
  withTexts,
} from "./files.ts";
import { requireFiles } from "./inputs.ts";
import { KERNELS, kernelsFor, THREADS } from "./kernels.ts";
import { METHOD, methodOf } from "./method.ts";
import { openPairs, PAIRS, requirePairs } from "./pairs.ts";
import { watchingTexts } from "./phase.ts";
import { count, counted, note } from "./print.ts";
import { inNoWindow, trainAndSave } from "./run.ts";
import { SCORING, scoringOf } from "./scoring.ts";
import { requireShardable, SHARDED, trainOnShards } from "./sharded.ts";
import { UsageError } from "./usage.ts";

const OPTIONS = {
  out: { kind: "path", use: "write", value: "M", help: "the model file to write" },
  valid: { kind: "path", use: "read", value: "F", help: "a text to measure progress on, after every epoch" },
  ...PAIRS,
  "valid-target": {
    kind: "path",
    use: "read",
    value: "F",
    help: "with --pairs: the targets of --valid, which then has the sources alone",
  },
  tokenizer: {
    kind: "path",
    use: "read",
    words: TOKENIZERS,
    value: "byte|character|word|FILE",
    default: "byte",
    help: "character, word: the vocabulary is learnt; FILE: a tokenizer.json",
  },
  "min-count": { kind: "number", default: 1, help: "character, word: rarer symbols become unknown" },
  "max-vocabulary": { kind: "number", help: "character, word: the rarest symbols beyond become unknown" },
  embedding: {
    kind: "number",
    default: 64,
    help: "width of the embedding; with --tied as --hidden by default",
  },
  hidden: { kind: "number", default: 256, help: "units of a layer" },
  layers: { kind: "number", default: 1, help: "recurrent layers, 1 to 4" },
  cell: { kind: "choice", choices: ["lstm", "gru"], default: "lstm", help: "what these are made of" },
  tied: { kind: "flag", help: "the output layer uses the embedding's weights" },
  softmax: {
    kind: "choice",
    choices: ["full", "adaptive"],
    default: "full",
    help: "adaptive: the output layer for large vocabularies of words",
  },
  cutoffs: { kind: "text", value: "N,N…", help: "adaptive: first ids of the clusters of rarer words" },
  attention: { kind: "number", help: "attend to the states of so many tokens before, such as 64" },
  ...METHOD,
  ...SCORING,
  schedule: {
    kind: "choice",
    choices: ["cosine", "constant", "step"],
    default: "cosine",
    help: "how the learning rate falls",
  },
  warmup: { kind: "number", default: 0, help: "steps over which the learning rate first rises" },
  dropout: { kind: "number", value: "X", default: 0, help: "probability that a unit is dropped" },
  average: {
    kind: "number",
    value: "DECAY",
    help: "the model is a moving average of the weights; 0.99: of about a hundred steps",
  },
  "warm-start": {
    kind: "path",
    use: "read",
    value: "M",
    help: "begin with this model, its tokenizer and its shape",
  },
  batch: { kind: "number", default: 32, help: "lanes of text read side by side" },
  sequence: {
    kind: "number",
    default: 64,
    help: "tokens that gradients flow back through; with --pairs those of the longest document",
  },
  epochs: { kind: "number", value: "X", default: 5, help: "readings of the text" },
  seed: { kind: "number", default: 1, help: "the same seed gives the same model, to the bit" },
  ...THREADS,
  ...KERNELS,
  products: {
    kind: "choice",
    choices: ["float32", "int16"],
    help: "what training multiplies (default int16, integers of 12 and 13 bits; below 5 lanes float32)",
  },
  checkpoint: {
    kind: "path",
    use: "folder",
    holds: [CHECKPOINT],
    value: "DIR",
    help: "keep the state of the run in DIR/checkpoint.svi",
  },
  "checkpoint-every": {
    kind: "number",
    help: "steps between two checkpoints (default a twentieth of the run)",
  },
  resume: { kind: "flag", help: "continue from the checkpoint, to the same model as without a break" },
  ...SHARDED,
} as const;

type TrainOptions = Values<typeof OPTIONS>;
type Window = { readonly batch: number; readonly sequence: number | undefined; readonly epochs: number };

export const train = command({
  name: "train",
  summary: "train a model on text files; Ctrl-C saves what was learnt",
  example: "svi-lm train book.txt --out book.svi --tokenizer character --valid held-out.txt --checkpoint run",
  words: ["text…"],
  options: OPTIONS,
  async run({ words, options, json, interruption }) {
    requireConsistent(options, words);
    const out = options.out!;
    const method = methodOf(options);
    if (options.workers !== undefined) await requireFiles(words, "--workers");
    const kernels = await kernelsFor(options);
    await requireWritable(out);
    const window = windowOf(options);
    const checkpoint = options.checkpoint === undefined ? null : new CheckpointFile(options.checkpoint);
    const resume = options.resume === true;
    await checkpoint?.require(resume);
    const inputs = [
      ...words,
      ...[options.valid, options["valid-target"]].filter((path) => path !== undefined),
    ];
    return withTexts(inputs, interruption.signal, async (texts) => {
      const { model, corpus, valid } = await open(texts, { words, options, json, interruption });
      if (options.workers !== undefined)
        return trainOnShards({ model, corpus, valid, method, words, options, out, json, interruption });
      const { steps, tokens, unread } = sizeOf(corpus, window);
      // Mean and precision; a checkpoint also has the optimiser's state.
      const bytes = 4 * model.layout.length * (hasPosterior(method) ? 2 : 1);
      await proveRoom(out, bytes);
      await checkpoint?.prepare({ resume, json, bytes: 2 * bytes });
      const fitting: FitOptions = {
        inference: method,
        epochs: options.epochs,
        batch: options.batch,
        sequence: options.sequence,
        seed: options.seed,
        dropout: options.dropout,
        average: options.average === undefined ? undefined : { decay: options.average },
        schedule: schedule(options.schedule, { warmup: options.warmup }),
        validation: valid ? { corpus: valid } : undefined,
        checkpoint: checkpoint?.every(steps, options["checkpoint-every"], interruption),
        resume: resume ? await checkpoint!.read(model, interruption.signal) : undefined,
        signal: interruption.signal,
        kernels,
        products: options.products,
      };
      if (!json) note(opening(model, corpus, steps, unread));
      const run = { model, corpus, fitting, steps, tokens, out, checkpoint };
      return trainAndSave(run, { json, interruption });
    });
  },
});

function requireConsistent(options: TrainOptions, words: readonly string[]): void {
  if (options.out === undefined) throw new UsageError("--out is missing");
  const { tokenizer = "byte" } = options;
  const learnt = options["warm-start"] === undefined && ["char", "character", "word"].includes(tokenizer);
  for (const name of ["min-count", "max-vocabulary"] as const)
    if (options[name] !== undefined && !learnt)
      throw new UsageError(`--${name} applies only where --tokenizer character or word learns a vocabulary`);
  for (const name of ["checkpoint-every", "resume"] as const)
    if (options[name] !== undefined && options.checkpoint === undefined)
      throw new UsageError(`--${name} needs --checkpoint`);
  requirePairs(options, words);
  for (const name of ["pairs", "valid"] as const)
    if (options["valid-target"] !== undefined && options[name] === undefined)
      throw new UsageError(`--valid-target needs --${name}`);
  if (options.pairs && options.workers !== undefined)
    throw new UsageError("--workers does not apply with --pairs");
  requireShardable(options);
  if (options["checkpoint-every"] !== undefined)
    requireInteger("checkpoint-every", options["checkpoint-every"], 1);
}

/** The texts as tokens, and the model that they are for. */
async function open(
  texts: readonly FileSource[],
  { words, options, json, interruption }: Invocation<typeof OPTIONS>,
): Promise<{ model: LanguageModel; corpus: Corpus; valid: Corpus | null }> {
  const { signal } = interruption;
  const start = options["warm-start"] === undefined ? null : await loadModel(options["warm-start"], signal);
  if (start) await requireAgreement(start, options, signal);
  const chosen = start?.tokenizer ?? (await chosenTokenizer(options.tokenizer, signal));
  const learning = {
    tokenizer: chosen,
    minimumCount: options["min-count"],
    maximumVocabulary: options["max-vocabulary"],
    signal,
  };
  const readings = typeof chosen === "string" && chosen !== "byte" && !options.pairs ? 2 : 1;
  const named = options.pairs ? null : words.length === 1 ? words[0] : `${words.length} texts`;
  const corpus = await naming(named, () =>
    watchingTexts(texts.slice(0, words.length), { readings, json }, (watched) =>
      options.pairs
        ? openPairs(watched, words, start, options, learning)
        : Corpus.open(watched, { ...learning, ...scoringOf(options) }),
    ),
  );
  const { tokenizer } = corpus;
  const rest = texts.slice(words.length);
  const valid =
    rest.length === 0
      ? null
      : options.pairs
        ? await openPairs(rest, flagged(options), start, options, { tokenizer, signal })
        : await openValidation(options.valid!, () =>
            Corpus.open(rest[0], { tokenizer, signal, ...scoringOf(options) }),
          );
  const { embedding, hidden, layers, cell, tied, softmax, seed, attention: span } = options;
  // The tokens between source and target, and between two pairs, are what attention goes by.
  const attention = span === undefined ? undefined : { span, ...(corpus.documents && corpus.scoring) };
  const shape = { embedding, hidden, layers, cell, tied, softmax, cutoffs: cutoffsOf(options), attention };
  const model = start ?? (await LanguageModel.create({ tokenizer, ...shape, seed }));
  return { model, corpus, valid };
}

/** What errors in pairs of a validation are told by. */
function flagged(options: TrainOptions): string[] {
  return (["valid", "valid-target"] as const)
    .filter((flag) => options[flag] !== undefined)
    .map((flag) => `--${flag} ${options[flag]}`);
}

function cutoffsOf({ cutoffs }: TrainOptions): number[] | undefined {
  return cutoffs?.split(",").map(Number);
}

async function chosenTokenizer(
  name = "byte",
  signal: AbortSignal,
): Promise<Tokenizer | "byte" | "character" | "word"> {
  if (name === "char" || name === "character") return "character";
  return name === "byte" || name === "word" ? name : readTokenizer(name, signal);
}

/** @throws SviError `E_OPTION` for a flag that says otherwise than the model to be trained on */
async function requireAgreement(
  { configuration, tokenizer }: LanguageModel,
  options: TrainOptions,
  signal: AbortSignal,
): Promise<void> {
  const refuse = (flag: string, given: unknown, is: unknown) =>
    new SviError("E_OPTION", `--${flag} is ${given}, but that of the model in --warm-start is ${is}`, {
      option: flag,
      value: given,
      remedy: `Omit --${flag}`,
    });
  for (const flag of ["embedding", "hidden", "layers", "cell", "tied", "softmax"] as const) {
    const given = options[flag];
    if (given !== undefined && given !== configuration[flag]) throw refuse(flag, given, configuration[flag]);
  }
  const { attention } = options;
  if (attention !== undefined && attention !== configuration.attention?.span)
    throw refuse("attention", attention, configuration.attention?.span ?? "none");
  const cutoffs = cutoffsOf(options);
  if (cutoffs !== undefined && `${cutoffs}` !== `${configuration.cutoffs}`)
    throw refuse("cutoffs", options.cutoffs, configuration.cutoffs.join() || "none");
  if (options.tokenizer === undefined) return;
  const chosen = await chosenTokenizer(options.tokenizer, signal);
  const agrees =
    typeof chosen === "string"
      ? chosen === tokenizer.kind
      : JSON.stringify(chosen.describe()) === JSON.stringify(tokenizer.describe());
  if (!agrees) throw refuse("tokenizer", options.tokenizer, tokenizer.kind);
}

/** @throws SviError `E_OPTION` */
function windowOf({ batch = 32, sequence, epochs = 5 }: TrainOptions): Window {
  return {
    batch: requireInteger("batch", batch, 1, 4096),
    sequence: sequence === undefined ? undefined : requireInteger("sequence", sequence, 1, 4096),
    epochs: requireNumber("epochs", epochs, "a number above 0", (v) => v > 0),
  };
}

/** Steps and tokens of the whole run, as `fit` counts them. */
function sizeOf(
  corpus: Corpus,
  { batch, sequence, epochs }: Window,
): { steps: number; tokens: number; unread: number } {
  const lanes = corpus.lanes({ batch, sequence: sequence ?? corpus.documents?.longest ?? 64 });
  const steps = Math.max(1, Math.round(epochs * lanes.windows));
  return { steps, tokens: Math.round(steps * (lanes.tokens / lanes.windows)), unread: lanes.unread };
}

function opening(
  { configuration, parameters }: LanguageModel,
  corpus: Corpus,
  steps: number,
  unread: number,
): string {
  const { vocabulary, embedding, hidden, layers, cell, tied, softmax, attention } = configuration;
  const attending = attention ? `, attention over ${attention.span}` : "";
  const output = tied ? ", tied" : softmax === "adaptive" ? ", adaptive softmax" : "";
  const { count: pairs, omitted } = corpus.documents ?? { count: 0, omitted: 0 };
  return [
    ...(pairs > 0 ? [counted(pairs, "pair")] : []),
    ...(omitted > 0 ? [`${count(omitted)} too long and omitted`] : []),
    `${counted(corpus.tokens, "token")} of ${counted(vocabulary, "kind")}`,
    `${count(parameters)} parameters (${embedding} → ${layers} × ${hidden} ${cell}${attending}${output})`,
    counted(steps, "step"),
    ...inNoWindow(unread, corpus),
  ].join(", ");
}
