/** @module `svi-lm generate`: text as it comes, shaded by how unsure the model was. */
import type { Piece } from "../prediction/generate.ts";
import { CACHE, cacheOf } from "./cache.ts";
import { shadingFor } from "./colour.ts";
import { command } from "./command.ts";
import { loadModel } from "./files.ts";
import { phase } from "./phase.ts";
import { note, printJson } from "./print.ts";
import { UsageError } from "./usage.ts";

export const generate = command({
  name: "generate",
  summary: "write text as it comes; a colour terminal shades it by the model's uncertainty",
  example: 'svi-lm generate book.svi --prompt "Call me" --temperature 0.8',
  words: ["M"],
  options: {
    prompt: { kind: "text", value: "S", empty: true, help: "text to continue; a terminal shows it too" },
    tokens: { kind: "number", default: 200, help: "tokens to write" },
    stop: { kind: "text", value: "S", help: "end a text before this string" },
    count: { kind: "number", default: 1, help: "texts to write; text n is what the seed + n writes" },
    temperature: { kind: "number", value: "X", default: 1, help: "0 takes the likeliest token" },
    "top-k": { kind: "number", default: 0, help: "only the k likeliest tokens; 0 for all" },
    "top-p": {
      kind: "number",
      value: "X",
      default: 1,
      help: "only the likeliest tokens that reach this probability",
    },
    samples: {
      kind: "number",
      default: 0,
      help: "posterior samples whose predictions are averaged; 0 for the mean of the weights",
    },
    ...CACHE,
    seed: { kind: "number", default: 1, help: "the same seed writes the same text" },
  },
  async run({ words: [path], options, json, interruption: { signal } }) {
    if (options.stop === "") throw new UsageError("--stop is empty; give a string, or omit it");
    const model = await loadModel(path, signal);
    const { prompt, tokens, temperature, samples, seed, stop, count } = options;
    const sampling = {
      temperature,
      topK: options["top-k"],
      topP: options["top-p"],
      samples,
      seed,
      cache: cacheOf(options.cache),
    };
    const pieces = model.generate({ prompt, tokens, stop, count, signal, ...sampling });
    if (json) {
      const shown = phase("writing", json);
      const texts = Array.from({ length: count ?? 1 }, () => "");
      let written = 0;
      try {
        for await (const { index, text } of pieces) {
          texts[index] += text;
          shown.at(++written / ((tokens ?? 200) * texts.length));
        }
      } finally {
        shown.stop();
      }
      for (const text of texts) printJson({ text });
      return 0;
    }
    const terminal = process.stdout.isTTY;
    const shading = shadingFor(process.stdout, Math.log(model.configuration.vocabulary));
    const show = ({ text, entropy }: Piece) =>
      terminal ? (shading?.shade(visible(text), entropy) ?? visible(text)) : text;
    let started = -1;
    try {
      for await (const piece of pieces) {
        if (piece.index > started) {
          if (started >= 0) process.stdout.write("\n\n");
          if (terminal) process.stdout.write(visible(prompt ?? ""));
        }
        started = piece.index;
        process.stdout.write(show(piece));
      }
    } finally {
      if (started >= 0) process.stdout.write("\n");
      if (started >= 0 && shading) note(shading.legend);
    }
    return 0;
  },
});

/** A model may write any byte; a terminal would obey some of them. */
function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it takes out
  return text.replace(/\r(?=\n|$)/g, "").replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "·");
}
