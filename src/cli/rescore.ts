/** @module `svi-lm rescore`: candidate lists of a recogniser or translator in a new order. */
import { join } from "node:path";
import { writeFileAtomically } from "../entries/node.ts";
import { SviError } from "../errors.ts";
import { makeFolder } from "../formats/file.ts";
import type { LanguageModel } from "../languageModel.ts";
import { percent } from "../metrics/percent.ts";
import { FORMAT_NAMES, type ReadLists, readLists, writeLists } from "../rescoring/formats/formats.ts";
import type { ListFile } from "../rescoring/lists.ts";
import { readReferences } from "../rescoring/references.ts";
import { type Rescoring, rescore as reorder, type Weights } from "../rescoring/rescore.ts";
import { modelScorer } from "../rescoring/scorer.ts";
import { command } from "./command.ts";
import { loadModel, naming, readModel, requireFolder } from "./files.ts";
import { inputName, readInput, textOf } from "./inputs.ts";
import { KERNELS, kernelsFor, THREADS } from "./kernels.ts";
import { requireUnread } from "./paths.ts";
import { count, counted, note, printJson } from "./print.ts";
import { UsageError } from "./usage.ts";

export const rescore = command({
  name: "rescore",
  summary: "reorder a recogniser's or translator's candidate lists, by a model or several (M M2 lists…)",
  example: "svi-lm rescore book.svi dev.tsv --dev dev.ref.txt --json",
  words: ["M", "lists…"],
  options: {
    format: {
      kind: "choice",
      choices: ["auto", ...FORMAT_NAMES],
      default: "auto",
      help: "of the lists; Kaldi's are a file of words and files of costs",
    },
    dev: {
      kind: "path",
      use: "read",
      value: "refs",
      help: "tune the weights for the fewest errors against these references",
    },
    references: {
      kind: "path",
      use: "read",
      value: "refs",
      help: "count errors against these, and tune nothing",
    },
    weights: {
      kind: "text",
      value: "name=X,…",
      help: "of the lists' scores, logProbability, words, unknown, logProbability2, … (default scores 1, log-probabilities 0.3 together)",
    },
    vocabulary: {
      kind: "path",
      use: "read",
      value: "FILE",
      help: "a text or a list of words: those of a candidate that are not in it are its score unseen",
    },
    choice: {
      kind: "choice",
      choices: ["best", "mbr"],
      default: "best",
      help: "mbr: the least expected errors over candidates and samples",
    },
    scale: {
      kind: "number",
      value: "X",
      help: "of the totals, before they become probabilities (default 1, or tuned)",
    },
    "risk-scale": {
      kind: "number",
      value: "X",
      help: "the same where mbr seeks the least expected errors (default --scale, or tuned)",
    },
    case: {
      kind: "choice",
      choices: ["keep", "lower", "upper"],
      default: "keep",
      help: "of the letters that the model is given",
    },
    samples: {
      kind: "number",
      default: 0,
      help: "posterior samples that are averaged; 0 for the mean of the weights",
    },
    seed: { kind: "number", default: 1, help: "of the samples" },
    quantized: { kind: "flag", help: "read with weights of 8 bits" },
    out: {
      kind: "path",
      use: "folder",
      value: "DIR",
      help: "write the lists in their new order, in their format",
    },
    ...THREADS,
    ...KERNELS,
  },
  async run({ words: [path, ...rest], options, json, interruption: { signal } }) {
    const references = options.dev ?? options.references;
    if (options.dev !== undefined && options.references !== undefined)
      throw new UsageError("--dev and --references exclude each other");
    const weights = options.weights === undefined ? undefined : readWeights(options.weights);
    if (options.out !== undefined) await requireFolder(options.out, "out");
    const kernels = await kernelsFor(options);
    const files = await readAll(rest, signal);
    const lists = files.filter(({ bytes }) => !isModel(bytes));
    if (lists.length === 0) throw new UsageError("There are models, and no lists");
    const models = [scoring(path, await loadModel(path, signal))];
    for (const { path, bytes } of files)
      if (isModel(bytes)) models.push(scoring(path, await readModel(path, bytes, signal)));
    const read = readLists(lists.map(listOf), options.format as "auto");
    if (options.out !== undefined)
      await requireUnread(
        namesOf(read).map((name) => join(options.out!, name)),
        "out",
        [path, ...rest, references, options.vocabulary].filter((each) => each !== undefined),
      );
    const open = async (given: string) => listOf((await readAll([given], signal))[0]);
    const said = references === undefined ? undefined : readReferences(await open(references));
    const normalise = CASES[options.case ?? "keep"];
    const vocabulary = options.vocabulary === undefined ? undefined : wordsIn(await open(options.vocabulary));
    if (options.out !== undefined) await makeFolder(options.out);
    const { samples, seed, choice, scale } = options;
    const quantized = options.quantized ? "int8" : undefined;
    const form = { samples, seed, apart: choice === "mbr", quantized, kernels } as const;
    const result = await naming(references ?? lists[0].path, () =>
      reorder(
        read.lists,
        models.map((model) => modelScorer(model, form)),
        {
          weights: weights ?? { ...logProbabilities(models.length), ...read.weights },
          references: said,
          tune: options.dev !== undefined,
          choice: choice as "best" | undefined,
          scale,
          riskScale: options["risk-scale"],
          normalise,
          vocabulary: vocabulary && new Set([...vocabulary].map(normalise)),
          signal,
        },
      ),
    );
    if (options.out !== undefined) await write(options.out, writeLists(result.lists, read.format));
    report(result, json);
    return 0;
  },
});

const CASES: Readonly<Record<string, (text: string) => string>> = {
  keep: (text) => text,
  lower: (text) => text.toLowerCase(),
  upper: (text) => text.toUpperCase(),
};

interface Read {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Each once, since a pipe ends. */
function readAll(paths: readonly string[], signal: AbortSignal): Promise<Read[]> {
  return Promise.all(paths.map(async (path) => ({ path, bytes: await readInput(path, signal) })));
}

/** A model begins with the length of its header, then with that: no text holds a zero there. */
function isModel(bytes: Uint8Array): boolean {
  return bytes.length > 8 && bytes[7] === 0 && bytes[8] === 0x7b;
}

/** @throws SviError `E_OPTION` for a model that scores no candidate: its texts are pairs, and lists have no sources */
function scoring(path: string, model: LanguageModel): LanguageModel {
  if (typeof model.documents?.after !== "number") return model;
  throw new SviError(
    "E_OPTION",
    `${inputName(path)} was trained on pairs: it scores what follows a source, and lists have no sources`,
    { option: "model", value: path, remedy: "Give a model of the target language, trained on targets alone" },
  );
}

const listOf = ({ path, bytes }: Read): ListFile => ({ name: inputName(path), text: textOf(path, bytes) });

/** With and without the marks around them. */
function wordsIn({ text }: ListFile): Set<string> {
  const bare = text.match(/[\p{L}\p{M}\p{N}]+(?:['’-][\p{L}\p{M}\p{N}]+)*/gu) ?? [];
  return new Set([...text.split(/\s+/), ...bare]);
}

function logProbabilities(models: number): Weights {
  const name = (m: number) => `logProbability${m === 0 ? "" : m + 1}`;
  return Object.fromEntries(Array.from({ length: models }, (_, m) => [name(m), 0.3 / models]));
}

/** `score=1,logProbability=0.3` */
function readWeights(given: string): Weights {
  const weights: Record<string, number> = {};
  for (const part of given.split(",")) {
    const [, name, written] = /^\s*([^=]+?)\s*=\s*(\S+)\s*$/.exec(part) ?? [];
    const weight = Number(written);
    if (name === undefined || !Number.isFinite(weight))
      throw new UsageError(`--weights has ${JSON.stringify(part)}, not name=number`);
    if (name in weights) throw new UsageError(`--weights names ${name} twice`);
    weights[name] = weight;
  }
  return weights;
}

/** Of the files that the lists will be written to, whatever their order. */
function namesOf({ lists, format }: ReadLists): string[] {
  const ranked = lists.map(({ id, candidates }) => ({
    id,
    candidates: candidates.map((candidate) => ({ ...candidate, total: 0, logProbability: null })),
  }));
  return writeLists(ranked, format).map(({ name }) => name);
}

async function write(folder: string, files: readonly ListFile[]): Promise<void> {
  for (const { name, text } of files)
    await writeFileAtomically(join(folder, name), new TextEncoder().encode(text));
}

function report({ lists, weights, scale, riskScale, unknown, errors }: Rescoring, json: boolean): void {
  if (json) {
    for (const { id, best, score, confidence, uncertainty, candidates } of lists) {
      const shown = candidates.map(({ text, total, logProbability, scores }) => ({
        text,
        score: total,
        logProbability,
        scores,
      }));
      printJson({ id, best, score, confidence, uncertainty, candidates: shown });
    }
    const { wer = null, ...more } = errors ?? {};
    printJson({ weights, scale, ...(riskScale !== null && { riskScale }), unknown, wer, ...more });
    return;
  }
  for (const { id, best } of lists) process.stdout.write(`${id}\t${best}\n`);
  const shown = Object.entries(weights).map(([name, weight]) => `${name}=${Number(weight.toPrecision(6))}`);
  const scales = [`scale ${Number(scale.toPrecision(4))}`];
  if (riskScale !== null) scales.push(`risk scale ${Number(riskScale.toPrecision(4))}`);
  note([`weights ${shown.join(",")}`, ...scales].join(", "));
  if (unknown.candidates > 0)
    note(
      `unknown words or symbols: ${count(unknown.symbols)}, in ${counted(unknown.candidates, "candidate")}`,
    );
  if (!errors) return;
  const { low, high } = errors.interval;
  note(`word error rate ${percent(errors.wer, 2)} % (${percent(low, 2)} to ${percent(high, 2)})`);
  note(`first candidates ${percent(errors.first, 2)} %, best of the lists ${percent(errors.oracle, 2)} %`);
  note(`the surest 80 % of lists ${percent(errors.surest, 2)} %`);
  if (errors.missing.length > 0)
    note(
      `${counted(errors.missing.length, "reference")} without a list, all deletions: ${errors.missing.slice(0, 5).join(", ")}`,
    );
}
