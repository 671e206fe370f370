/** @module What a boundary is, and what must hold there whatever comes. */
import type fc from "fast-check";
import { SviError } from "../../src/errors.ts";
import type { Random } from "./random.ts";

/** A place where svi-lm reads what others wrote. */
export interface Boundary {
  readonly name: string;
  /** One time in so many rounds: for those whose inputs are slow. */
  readonly every?: number;
  /** @returns how one input is made and given; it throws for whatever is wrong, an SviError for a refusal */
  prepare(): Promise<(random: Random) => unknown> | ((random: Random) => unknown);
  /** The same in another way: values that fast-check makes, and makes small where they fail. */
  readonly property?: fc.IRawProperty<unknown>;
}

/** Runs some work; what it throws on purpose is a refusal, and all is well. @returns whether it was read */
export function refusedOrRead(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (error instanceof SviError && error.problem !== "" && error.remedy !== "") return false;
    throw error;
  }
}

export function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

const PROTOTYPES = [Object, Array, String, Number, Function, Map, Uint8Array, Float32Array].map(
  (made) => made.prototype,
);
const OWN = PROTOTYPES.map((prototype) => Reflect.ownKeys(prototype).length);

/** @throws where an input has left something behind on what all objects share; the quick look sees Object alone */
export function requireCleanPrototypes(quick: boolean): void {
  if (quick) {
    for (const key in {}) throw new Error(`all objects have ${key}`);
    return;
  }
  for (let i = 0; i < PROTOTYPES.length; i++)
    must(Reflect.ownKeys(PROTOTYPES[i]).length === OWN[i], `prototype ${i} has other keys than before`);
}
