/** @module `svi-lm info`: what a model file holds. */

import { hashOf } from "../distributed/modelHash.ts";
import { readSafetensorsHeader } from "../formats/safetensors.ts";
import { drive } from "../kernels/slices.ts";
import { jsonTokenizer } from "../text/json.ts";
import { openModel } from "../training/modelFile.ts";
import { command } from "./command.ts";
import { reading } from "./files.ts";
import { readInput } from "./inputs.ts";
import { byteSize, count, counted, printJson, printTable } from "./print.ts";

export const info = command({
  name: "info",
  summary: "what a model file holds",
  example: "svi-lm info book.svi",
  words: ["M"],
  options: {},
  async run({ words: [path], json, interruption: { signal } }) {
    const bytes = await readInput(path, signal);
    const found = await reading(path, bytes, () => describe(bytes, signal));
    if (json) printJson(found);
    else print(found);
    return 0;
  },
});

async function describe(bytes: Uint8Array, signal: AbortSignal) {
  const reading = openModel(bytes, { json: jsonTokenizer });
  const { posterior, tokenizer, training } = await drive(reading, signal);
  const { metadata, tensors } = await readSafetensorsHeader(bytes);
  return {
    bytes: bytes.length,
    formatVersion: Number(metadata.formatVersion),
    configuration: posterior.configuration,
    parameters: posterior.layout.parameters,
    tokenizer: { kind: tokenizer.kind, vocabulary: tokenizer.vocabularySize },
    posterior: posterior.precision !== null,
    lambda: posterior.lambda,
    hash: await hashOf(posterior, signal),
    training: training && runOf(training.metadata),
    tensors: Array.from(tensors, ([name, { dtype, shape, begin, end }]) => ({
      name,
      dtype,
      shape,
      bytes: end - begin,
    })),
  };
}

/** What a checkpoint says of its run; what it does not say is null. */
function runOf(metadata: string) {
  let record: { run?: Record<string, string>; scalars?: { step?: number[] } } = {};
  try {
    record = JSON.parse(metadata) ?? {};
  } catch {
    // Resuming says what is wrong with it; there is nothing to show here.
  }
  const entry = (name: string) => {
    try {
      return JSON.parse(record.run?.[name] ?? "null");
    } catch {
      return null;
    }
  };
  return {
    step: record.scalars?.step?.[0] ?? null,
    steps: entry("steps"),
    method: entry("method"),
    batch: entry("batch"),
    sequence: entry("sequence"),
    seed: entry("seed"),
  };
}

function print(found: Awaited<ReturnType<typeof describe>>): void {
  const { configuration, tokenizer, training, lambda } = found;
  const { vocabulary, embedding, hidden, layers, cell, tied, softmax, cutoffs, attention } = configuration;
  const output = tied ? `${embedding === hidden ? "" : `${embedding} → `}${vocabulary}, tied` : vocabulary;
  printTable([
    ["file", byteSize(found.bytes)],
    ["model", `${vocabulary} → ${embedding} → ${layers} × ${hidden} ${cell} → ${output}`],
    ...(softmax === "adaptive"
      ? [["softmax", `adaptive, clusters from ${cutoffs.map(count).join(", ")}`]]
      : []),
    ...(attention
      ? [
          [
            "attention",
            `over ${counted(attention.span, "state")}${attention.after === undefined ? "" : " of a source"}`,
          ],
        ]
      : []),
    ["parameters", count(found.parameters)],
    ["tokenizer", `${tokenizer.kind}, ${counted(tokenizer.vocabulary, "id")}`],
    [
      "posterior",
      found.posterior ? `mean and precision, lambda ${lambda ?? "unknown"}` : "none, a point estimate",
    ],
    [
      "training state",
      training ? `${training.method?.kind} at step ${training.step} of ${training.steps}` : "none",
    ],
    ["hash", found.hash],
  ]);
  process.stdout.write("\n");
  printTable(
    found.tensors.map(({ name, dtype, shape, bytes }) => [name, dtype, shape.join(" × "), byteSize(bytes)]),
  );
}
