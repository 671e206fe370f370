/** @module `svi-lm translate`: a line in, its translation out, in order and as they come. */
import { type Target, type Translation, translateAll } from "../translation/translate.ts";
import { command } from "./command.ts";
import { loadModel } from "./files.ts";
import { KERNELS, kernelsFor, THREADS } from "./kernels.ts";
import { linesOf, takingBytes } from "./lines.ts";
import { counted, note, printJson } from "./print.ts";
import { oneLine } from "./usage.ts";

/** UTF-16 code units of a line at most. */
const LONGEST = 2 ** 20;
/** Lines whose errors are told one by one. */
const MOST_NOTES = 5;

export const translateCommand = command({
  name: "translate",
  summary: "turn each line of a file, or of what is piped in, into what a model of pairs makes of it",
  example: "svi-lm translate en-fr.svi news.en.txt --beam 5 > news.fr.txt",
  words: ["M", "file?"],
  options: {
    beam: { kind: "number", default: 5, help: "beginnings that are followed side by side" },
    "length-normalisation": {
      kind: "number",
      value: "X",
      default: 1,
      help: "power of the length that log-probabilities are divided by; 0 favours short targets",
    },
    count: { kind: "number", default: 1, help: "targets to give with --n-best or --json" },
    samples: {
      kind: "number",
      default: 0,
      help: "posterior samples that are averaged at every token; 0 for the mean of the weights",
    },
    seed: { kind: "number", default: 1, help: "of the samples" },
    quantized: { kind: "flag", help: "predict with weights of 8 bits" },
    "max-tokens": {
      kind: "number",
      help: "tokens that a target has at most (default twice those of its source and 20)",
    },
    longest: { kind: "number", default: 1024, help: "tokens that a source has at most" },
    "n-best": { kind: "choice", choices: ["moses"], help: "write the best --count targets of every line" },
    strict: { kind: "flag", help: "end at a line that cannot be translated" },
    ...THREADS,
    ...KERNELS,
  },
  async run({ words: [path, file], options, json, interruption: { signal } }) {
    const kernels = await kernelsFor(options);
    const model = await loadModel(path, signal);
    const { beam, count, samples, seed, longest, strict } = options;
    const translations = translateAll(takingBytes(model), linesOf(file, LONGEST, signal), {
      beam,
      count,
      samples,
      seed,
      quantized: options.quantized ? "int8" : undefined,
      longest,
      strict,
      lengthNormalisation: options["length-normalisation"],
      maxTokens: options["max-tokens"],
      kernels,
      signal,
    });
    const name = file ?? "standard input";
    let failed = 0;
    for await (const found of translations) {
      if (found.error === null) {
        write(found, json, options["n-best"] !== undefined);
        continue;
      }
      const { index, error } = found;
      if (json) printJson({ index, error: { code: error.code, message: error.message } });
      else if (options["n-best"] === undefined) process.stdout.write("\n");
      if (failed++ < MOST_NOTES && !json)
        note(`${name}, line ${index + 1}: ${oneLine(error.problem.replace(/^Source \d+: /, ""))}`);
    }
    if (failed > 0 && !json) note(`${counted(failed, "line")} could not be translated`);
    return failed > 0 ? 1 : 0;
  },
});

function write(found: Translation, json: boolean, all: boolean): void {
  const { index, error: _, candidates, ...best } = found;
  if (json) printJson({ index, ...shown(best), candidates: candidates.map(shown) });
  else if (!all) process.stdout.write(`${lineOf(found)}\n`);
  else for (const target of candidates) process.stdout.write(`${moses(index, target)}\n`);
}

function shown({ text, tokens, logProbability, score, entropy, mutualInformation, complete }: Target) {
  return { text, tokens, logProbability, score, entropy, mutualInformation, complete };
}

/** A target is a line: what a model writes of other line ends would be taken for several. */
function lineOf({ text }: Target): string {
  return text.replace(/[\r\n]+/g, " ");
}

function moses(index: number, target: Target): string {
  const { logProbability, tokens, entropy, mutualInformation, score } = target;
  // `logProbability` is what rescore calls that of its own model.
  const features = Object.entries({ translation: logProbability, tokens, entropy, mutualInformation });
  const written = features.map(([name, value]) => `${name}= ${value}`).join(" ");
  return [index, lineOf(target), written, score].join(" ||| ");
}
