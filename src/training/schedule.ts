/** @module How the learning rate goes over a run, as a factor of its highest value. */
import { requireChoice, requireInteger, requireNumber, SviError } from "../errors.ts";
import type { KernelExports } from "../kernels/generated/signatures.ts";
import { type Kinds, requireOptions } from "../options.ts";

export interface Schedule {
  readonly kind: "constant" | "cosine" | "step";
  /** Steps over which the rate first rises linearly. */
  readonly warmup: number;
  /** cosine: the factor at the end. */
  readonly floor: number;
  /** step: factor of every drop, and the fraction of the run between two drops. */
  readonly drop: number;
  readonly every: number;
}

const OPTIONS: Kinds<Omit<Schedule, "kind">> = {
  warmup: "number",
  floor: "number",
  drop: "number",
  every: "number",
};

/** @throws SviError `E_OPTION` where a value is out of range */
export function schedule(
  kind: Schedule["kind"] = "cosine",
  options: Partial<Omit<Schedule, "kind">> = {},
): Schedule {
  requireChoice("schedule", kind, ["constant", "cosine", "step"]);
  requireOptions("schedule", options, OPTIONS);
  const share = (name: string, value: number) =>
    requireNumber(name, value, "a number above 0 and at most 1", (v) => v > 0 && v <= 1);
  return {
    kind,
    warmup: requireInteger("warmup", options.warmup ?? 0, 0),
    floor: requireNumber("floor", options.floor ?? 0, "a number from 0 to 1", (v) => v >= 0 && v <= 1),
    drop: share("drop", options.drop ?? 0.5),
    every: share("every", options.every ?? 0.2),
  };
}

/** @throws SviError `E_OPTION` for what `schedule()` did not make */
export function requireSchedule(given: Schedule): void {
  const names = Object.keys(schedule()).filter((name) => !Object.hasOwn(given, name));
  if (names.length > 0)
    throw new SviError("E_OPTION", `schedule lacks ${names.join(", ")}`, {
      option: "schedule",
      value: given,
      remedy: 'Give schedule("cosine", { warmup: 100 }): what that call returns',
    });
  const { kind, ...options } = given;
  schedule(kind, options);
}

/** Factor at a 0-based step of a run of `steps`; the cosine comes from the kernels, since engines' own differ. */
export function scheduleFactor(s: Schedule, step: number, steps: number, k: KernelExports): number {
  const rise = step < s.warmup ? (step + 1) / s.warmup : 1;
  if (s.kind === "constant") return rise;
  const progress = Math.max(0, step - s.warmup) / Math.max(1, steps - s.warmup);
  if (s.kind === "cosine") return rise * (s.floor + (1 - s.floor) * 0.5 * (1 + k.cos64(Math.PI * progress)));
  let factor = rise;
  for (let at = s.every; at <= progress; at += s.every) factor *= s.drop;
  return factor;
}
