/** @module `svi-lm score`: a line in, a line out, each a document of its own. */
import type { SviError } from "../errors.ts";
import type { LanguageModel } from "../languageModel.ts";
import { int16Products } from "../prediction/products.ts";
import type { ScoredToken } from "../prediction/score.ts";
import { scoreAll, type TextFailure, type TextScore } from "../prediction/scoreAll.ts";
import { command } from "./command.ts";
import { loadModel, reworded } from "./files.ts";
import { KERNELS, kernelsFor, THREADS } from "./kernels.ts";
import { bytesOf, linesOf, takingBytes } from "./lines.ts";
import { counted, note, printJson } from "./print.ts";

/** UTF-16 code units of a line at most. */
const LONGEST = 2 ** 20;

export const score = command({
  name: "score",
  summary:
    "say how likely each line of a file, or of what is piped in, is: the most surprising lines of a log",
  example: "svi-lm score log.svi server.log | sort -rg | head",
  words: ["M", "file?"],
  options: {
    samples: {
      kind: "number",
      default: 0,
      help: "posterior samples whose predictions are averaged; 0 for the mean of the weights",
    },
    tokens: { kind: "flag", help: "with --json: also the figures of every token, and where it stands" },
    products: {
      kind: "choice",
      choices: ["float32", "int16"],
      default: "float32",
      help: "what products are made of: int16 is faster, and as exact as the third digit after the point",
    },
    strict: { kind: "flag", help: "end at a line that cannot be scored, such as an empty one" },
    ...KERNELS,
    ...THREADS,
  },
  async run({ words: [path, file], options, json, interruption: { signal } }) {
    const kernels = await kernelsFor(options);
    const model = await loadModel(path, signal);
    const { samples, tokens, strict, products } = options;
    const between = betweenOf(model);
    let total = 0;
    const failures: SviError[] = [];
    /** Lines that are not printed yet. */
    const waiting: string[] = [];
    const lines = remembered(linesOf(file, LONGEST, signal), waiting, between);
    const scores = scoreAll(takingBytes(model), lines, {
      samples,
      tokens,
      products: products === "int16" ? int16Products() : undefined,
      kernels,
      signal,
      longest: LONGEST,
    });
    for await (const found of scores) {
      const line = waiting.shift()!;
      total++;
      if (found.error !== null) {
        const { index } = found;
        const error = ofLine(found, between);
        if (strict) throw error;
        failures.push(error);
        if (json) printJson({ index, error: { code: error.code, message: error.message } });
        else print("none", line);
      } else if (json) printJson(fieldsOf(found));
      else print(found.surprise.toFixed(3), line);
    }
    if (failures.length === 0) return 0;
    if (!json)
      note(`${failures.length} of ${counted(total, "line")} could not be scored. ${failures[0].message}`);
    return failures.length === total ? 1 : 0;
  },
});

/** What a model of pairs reads between a source and its target; null for other models. */
function betweenOf({ documents, tokenizer }: LanguageModel): string | null {
  if (typeof documents?.after !== "number") return null;
  const symbol = tokenizer.decode([documents.after]);
  return tokenizer.kind === "word" ? ` ${symbol} ` : symbol;
}

/** @param between takes the place of the first tab in a line without it */
async function* remembered(
  lines: AsyncIterable<string>,
  into: string[],
  between: string | null,
): AsyncGenerator<string, void, void> {
  for await (const line of lines) {
    into.push(line);
    yield between === null || line.includes(between.trim()) ? line : line.replace("\t", () => between);
  }
}

/** What is wrong with a line, as somebody says it who counts lines from 1 and has no `context` to give. */
function ofLine({ index, error }: TextFailure, between: string | null): SviError {
  const problem = error.problem.replace(/^Text \d+/, `Line ${index + 1}`);
  if (between !== null && error.problem.includes("nothing behind"))
    return reworded(
      error,
      problem,
      "The model was trained on pairs: give lines of a source, a tab and its target",
    );
  if (error.code === "E_TEXT_SHORT") return reworded(error, problem, "Give at least two tokens a line");
  if (error.code === "E_TEXT_LONG")
    return reworded(error, problem, "Split it, or use svi-lm eval for a text");
  return reworded(error, problem);
}

function print(first: string, line: string): void {
  process.stdout.write(Buffer.concat([Buffer.from(`${first}\t`), bytesOf(line), Buffer.from("\n")]));
}

function fieldsOf({ index, logProbability, tokens, unknown, bitsPerByte, scores, ...rest }: TextScore) {
  const { surprise, mutualInformation } = rest;
  const token = ({ token, start, end, logProbability, entropy }: ScoredToken) => ({
    token,
    start,
    end,
    logProbability,
    entropy,
  });
  const fields = { index, logProbability, tokens, unknown, bitsPerByte, surprise, mutualInformation };
  return scores ? { ...fields, scores: scores.map(token) } : fields;
}
