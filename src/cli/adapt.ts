/** @module `svi-lm adapt`: a model learns from more text, with what it learnt before as the prior. */
import { requireInteger } from "../errors.ts";
import { proveRoom } from "../formats/file.ts";
import { Corpus } from "../text/corpus.ts";
import { adaptation } from "../training/adapt.ts";
import type { FitOptions } from "../training/fit.ts";
import { command } from "./command.ts";
import { loadModel, naming, openValidation, requireWritable, withTexts } from "./files.ts";
import { KERNELS, kernelsFor, THREADS } from "./kernels.ts";
import { counted, note } from "./print.ts";
import { inNoWindow, trainAndSave } from "./run.ts";
import { UsageError } from "./usage.ts";

export const adaptCommand = command({
  name: "adapt",
  summary:
    "train a model further on other text: what it learnt before is the prior; Ctrl-C saves what was learnt",
  example: "svi-lm adapt book.svi notes.txt --out notes.svi",
  words: ["M", "text…"],
  options: {
    out: { kind: "path", use: "write", value: "N", help: "the model file to write" },
    valid: {
      kind: "path",
      use: "read",
      value: "F",
      help: "a text to measure progress on, after every epoch",
    },
    rehearse: {
      kind: "path",
      use: "read",
      value: "F",
      help: "a part of what was learnt before, such as a tenth, read again beside the text: what keeps best from forgetting",
    },
    weight: {
      kind: "number",
      value: "X",
      help: "how much what was learnt counts: 1 for every token of it; less lets the text change more",
    },
    lr: { kind: "number", value: "X", help: "learning rate at its highest" },
    batch: { kind: "number", default: 32, help: "lanes of text read side by side" },
    sequence: { kind: "number", default: 64, help: "tokens that gradients flow back through" },
    epochs: { kind: "number", value: "X", default: 5, help: "readings of the text" },
    seed: { kind: "number", default: 1, help: "the same seed gives the same model, to the bit" },
    ...THREADS,
    ...KERNELS,
  },
  async run({ words: [path, ...paths], options, json, interruption }) {
    const { out, valid: validPath, rehearse, weight, lr, epochs, seed } = options;
    if (out === undefined) throw new UsageError("--out is missing");
    const kernels = await kernelsFor(options);
    await requireWritable(out);
    const { signal } = interruption;
    const model = await loadModel(path, signal);
    const inference = adaptation(model, { rehearse, weight, learningRate: lr });
    const batch = requireInteger("batch", options.batch ?? 32, 1, 4096);
    const sequence = requireInteger("sequence", options.sequence ?? 64, 1, 4096);
    const more = [validPath, rehearse].filter((each) => each !== undefined);
    return withTexts([...paths, ...more], signal, async (texts) => {
      const { tokenizer } = model;
      const open = (name: string, some: typeof texts) =>
        naming(name, () => Corpus.open(some, { tokenizer, signal }));
      const text = await open(paths.join(", "), texts.slice(0, paths.length));
      const [valid, memory] = await Promise.all([
        validPath
          ? openValidation(validPath, () => Corpus.open(texts[paths.length], { tokenizer, signal }))
          : null,
        rehearse ? open(`--rehearse ${rehearse}`, texts.slice(-1)) : null,
      ]);
      const corpus = memory ? text.rehearsing(memory) : text;
      await proveRoom(out, 8 * model.layout.length);
      const { windows, unread } = corpus.lanes({ batch, sequence });
      const steps = Math.max(1, Math.round((epochs ?? 5) * windows));
      const validation = valid ? { corpus: valid } : undefined;
      const fitting: FitOptions = { inference, epochs, batch, sequence, seed, validation, signal, kernels };
      if (!json)
        note(
          [
            `${counted(text.tokens, "token")} beside those that ${path} learnt from`,
            counted(steps, "step"),
            ...inNoWindow(unread, corpus),
          ].join(", "),
        );
      const run = { model, corpus, fitting, steps, tokens: steps * batch * sequence, out, checkpoint: null };
      return trainAndSave(run, { json, interruption });
    });
  },
});
