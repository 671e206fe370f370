/** @module Small ways of saying figures. */
import type { MethodName } from "./protocol.ts";
import type { StepCosts } from "./summary.ts";

export function costOf(costs: StepCosts, name: MethodName): number {
  return name.startsWith("ivon") ? costs.ivon : costs[name as keyof StepCosts];
}

export function group(n: number): string {
  return Math.round(n).toLocaleString("en");
}
