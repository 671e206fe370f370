/** @module `svi-lm score`: a line in, a line out, each a document of its own. */
import type { ScoredToken } from "../prediction/score.ts";
import type { TextScore } from "../prediction/scoreAll.ts";
import { command } from "./command.ts";
import { loadModel } from "./files.ts";
import { KERNELS, kernelsFor, THREADS } from "./kernels.ts";
import { linesOf } from "./lines.ts";
import { note, printJson } from "./print.ts";

/** UTF-16 code units of a line at most. */
const LONGEST = 2 ** 20;

export const score = command({
  name: "score",
  summary:
    "say how likely each line of a file, or of what is piped in, is: the most surprising lines of a log",
  example: "svi-lm score log.svi server.log | sort -rn | head",
  words: ["M", "file?"],
  options: {
    samples: {
      kind: "number",
      default: 0,
      help: "posterior samples whose predictions are averaged; 0 for the mean of the weights",
    },
    tokens: { kind: "flag", help: "with --json: also the figures of every token, and where it stands" },
    strict: { kind: "flag", help: "end at a line that cannot be scored, such as an empty one" },
    ...KERNELS,
    ...THREADS,
  },
  async run({ words: [path, file], options, json, interruption: { signal } }) {
    const kernels = await kernelsFor(options);
    const model = await loadModel(path, signal);
    const { samples, tokens, strict } = options;
    let [failed, total] = [0, 0];
    /** Lines that are not printed yet. */
    const waiting: string[] = [];
    const lines = remembered(linesOf(file, LONGEST, signal), waiting);
    const scores = model.scoreAll(lines, { samples, tokens, strict, kernels, signal, longest: LONGEST });
    for await (const found of scores) {
      const line = waiting.shift()!;
      total++;
      if (found.error !== null) {
        failed++;
        const { index, error } = found;
        if (json) printJson({ index, error: { code: error.code, message: error.message } });
        else process.stdout.write(`none\t${line}\n`);
      } else if (json) printJson(fieldsOf(found));
      else process.stdout.write(`${found.surprise.toFixed(3)}\t${line}\n`);
    }
    if (failed > 0 && !json) note(`${failed} of ${total} lines could not be scored, such as empty ones`);
    return 0;
  },
});

async function* remembered(lines: AsyncIterable<string>, into: string[]): AsyncGenerator<string, void, void> {
  for await (const line of lines) {
    into.push(line);
    yield line;
  }
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
