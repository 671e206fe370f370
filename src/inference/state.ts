/** @module What a run must remember to be continued: arrays and lists of numbers, saved and restored by name. */
import { SviError } from "../errors.ts";
import type { MemoryPlan } from "../kernels/memory.ts";

export class State {
  readonly #plan: MemoryPlan;
  readonly #arrays = new Map<string, { readonly address: number; readonly length: number }>();
  readonly #numbers = new Map<string, number[]>();

  constructor(plan: MemoryPlan) {
    this.#plan = plan;
  }

  /** Address of a new array of `length` floats, zero at first. */
  array(name: string, length: number): number {
    const address = this.#plan.words(length);
    this.#arrays.set(name, { address, length });
    return address;
  }

  /** A list of finite numbers, to be changed in place: its length stays. */
  numbers(name: string, first: readonly number[]): number[] {
    const list = [...first];
    this.#numbers.set(name, list);
    return list;
  }

  /** Views, until the next update. */
  arrays(): [name: string, values: Float32Array][] {
    return Array.from(this.#arrays, ([name, { address, length }]) => [
      name,
      this.#plan.floats(address, length),
    ]);
  }

  lists(): [name: string, values: number[]][] {
    return [...this.#numbers];
  }

  /**
   * Takes what was saved under the same names.
   * @throws SviError `E_CHECKPOINT` where something is missing or of another length; nothing is changed then
   */
  restore(arrays: ReadonlyMap<string, Float32Array>, lists: Readonly<Record<string, number[]>>): void {
    const saved = (name: string) => (Object.hasOwn(lists, name) ? lists[name] : undefined);
    for (const [name, { length }] of this.#arrays) requireLength(name, arrays.get(name), length);
    for (const [name, list] of this.#numbers) requireLength(name, saved(name), list.length);
    for (const [name, { address, length }] of this.#arrays)
      this.#plan.floats(address, length).set(arrays.get(name)!);
    for (const [name, list] of this.#numbers)
      saved(name)!.forEach((value, i) => {
        list[i] = value;
      });
  }
}

function requireLength(name: string, found: { readonly length: number } | undefined, length: number): void {
  if (found?.length === length) return;
  throw new SviError("E_CHECKPOINT", `The checkpoint's ${name} has ${found?.length ?? "no"} numbers`, {
    value: found?.length,
    remedy: "Resume with the model, method, batch and text that the run began with",
  });
}
