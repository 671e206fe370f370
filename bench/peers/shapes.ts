/** @module The two models that everything is compared at. */
import type { ModelOptions } from "../../src/model/configuration.ts";

export interface Shape extends Required<Pick<ModelOptions, "embedding" | "hidden" | "layers">> {
  readonly vocabulary: number;
  readonly batch: number;
  readonly sequence: number;
}

/** A: characters. B: words. */
export const SHAPES: Readonly<Record<"A" | "B", Shape>> = {
  A: { vocabulary: 96, embedding: 128, hidden: 256, layers: 2, batch: 20, sequence: 35 },
  B: { vocabulary: 10_000, embedding: 200, hidden: 200, layers: 2, batch: 20, sequence: 35 },
};

export type Task = "train-A" | "train-B" | "predict-A" | "predict-B" | "predict16-A" | "step-A" | "step-B";

export function shapeOf(task: Task): Shape {
  return SHAPES[task.at(-1) as "A" | "B"];
}
