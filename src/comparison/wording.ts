/** @module Small ways of saying figures. */
import type { MethodName } from "./methods.ts";
import type { StepCosts } from "./summary.ts";

/** What a step of a method is measured by; priors cost nothing to speak of, and averages are left out. */
const STEP_OF: Readonly<Record<MethodName, keyof StepCosts>> = {
  sgd: "sgd",
  adam: "adam",
  adamw: "adamw",
  map: "adam",
  "adam-average": "adam",
  "adam-four": "adam",
  dropout: "dropout",
  "dropout-adamw": "dropout",
  "dropout-map": "dropout",
  bbb: "bbb",
  noiseless: "noiseless",
  ivon: "ivon",
  "ivon-average": "ivon",
  "ivon-tuned": "ivon",
  "ivon-short": "ivon",
};

export function costOf(costs: StepCosts, name: MethodName): number {
  return costs[STEP_OF[name]];
}

export function group(n: number): string {
  return Math.round(n).toLocaleString("en");
}
