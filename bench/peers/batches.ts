/** @module ONNX Runtime on one thread, scoring lines in batches that are padded to the longest. */
import { createRequire } from "node:module";
import { resolve } from "node:path";
import type { LanguageModel } from "../../src/entries/index.ts";
import { onnxScorer } from "./foreign/onnx.ts";

interface Tensor {
  readonly data: Float32Array;
}

/** What is used of onnxruntime-node, which the package's own install does not bring. */
interface Runtime {
  readonly InferenceSession: {
    create(model: Uint8Array, options: object): Promise<{ run(feeds: object): Promise<{ scores: Tensor }> }>;
  };
  readonly Tensor: new (type: "int64", data: BigInt64Array, shape: number[]) => Tensor;
}

const LANES = 32;

function runtime(): Runtime | null {
  try {
    return createRequire(resolve("bench/package.json"))("onnxruntime-node");
  } catch {
    return null;
  }
}

/** Scores lines: log-probability of every one, its first token given; null where onnxruntime-node is not installed. */
export async function onnxLines(
  model: LanguageModel,
): Promise<((lines: readonly string[]) => Promise<number[]>) | null> {
  const ort = runtime();
  if (!ort) return null;
  const { layout, mean, configuration } = model.posterior;
  const tensors = (name: string) => {
    const { offset, size } = layout.find(name);
    return mean.slice(offset, offset + size);
  };
  const shape = { ...configuration, vocabulary: model.tokenizer.vocabularySize, batch: LANES, sequence: 1 };
  const session = await ort.InferenceSession.create(onnxScorer(shape, tensors), {
    executionProviders: ["cpu"],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: "all",
  });
  const batch = async (lines: readonly string[]) => {
    const ids = lines.map((line) => model.tokenizer.encode(line));
    const time = Math.max(...ids.map(({ length }) => length)) - 1;
    const [tokens, targets] = [0, 1].map((later) => {
      const padded = new BigInt64Array(time * lines.length);
      for (const [lane, line] of ids.entries())
        for (let t = 0; t + 1 < line.length; t++) padded[t * lines.length + lane] = BigInt(line[t + later]);
      return new ort.Tensor("int64", padded, [time, lines.length]);
    });
    const { scores } = await session.run({ tokens, targets });
    return ids.map(({ length }, lane) => {
      let sum = 0;
      for (let t = 0; t + 1 < length; t++) sum += scores.data[t * lines.length + lane];
      return sum;
    });
  };
  return async (lines) => {
    const found: number[] = [];
    for (let at = 0; at < lines.length; at += LANES)
      found.push(...(await batch(lines.slice(at, at + LANES))));
    return found;
  };
}
