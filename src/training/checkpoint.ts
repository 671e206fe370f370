/** @module A run in the middle: everything that it takes to continue to the same final hash. */
import { SviError } from "../errors.ts";
import type { Slices } from "../model/work.ts";
import type { Model } from "../prediction/model.ts";
import type { Tokenizer } from "../text/types.ts";
import { composeModel, hashFloats, readModel } from "./modelFile.ts";
import type { Trainer } from "./trainer.ts";

/** Grows when a run of the old form could not be resumed by the new one. */
const CHECKPOINT_VERSION = 2;

type Fingerprint = Readonly<Record<string, unknown>>;

/** A model file that also holds optimiser state, carried state and position of a run. */
export function* writeCheckpoint(
  model: Model,
  trainer: Trainer,
  fingerprint: Fingerprint,
): Slices<Uint8Array<ArrayBuffer>> {
  const { arrays, scalars } = trainer.saved();
  const metadata = JSON.stringify({ version: CHECKPOINT_VERSION, run: describe(fingerprint), scalars });
  yield* trainer.publish();
  return yield* composeModel(model, { arrays, metadata });
}

/** What a checkpoint holds of its run. */
export interface Saved {
  readonly arrays: ReadonlyMap<string, Float32Array>;
  readonly scalars: Readonly<Record<string, number[]>>;
  readonly run: Readonly<Record<string, string>>;
}

/**
 * @param tokenizer that of the run: a tokenizer.json in the file needs no library, since resuming takes the arrays alone
 * @throws SviError `E_CHECKPOINT` where the file holds no run; `E_VERSION` where another version of svi-lm wrote it;
 *   what reading a model throws
 */
export function readCheckpoint(bytes: Uint8Array, tokenizer: Tokenizer): Saved {
  const { training } = readModel(bytes, { json: () => tokenizer });
  if (!training)
    throw new SviError("E_CHECKPOINT", "The file holds a model but no run to continue", {
      remedy: "Give a file that was written as a checkpoint",
    });
  const { version, run, scalars } = parseTraining(training.metadata);
  if (version !== CHECKPOINT_VERSION)
    throw new SviError("E_VERSION", `The checkpoint is of version ${version ?? 1}`, {
      value: version,
      remedy: `This version of svi-lm resumes runs of version ${CHECKPOINT_VERSION}: finish the run with the one that began it, or train again from the model that the file holds`,
    });
  return { arrays: training.arrays, scalars, run };
}

/** @throws SviError `E_CHECKPOINT` where the checkpoint's run is another than this one */
export function requireSameRun({ run }: Saved, fingerprint: Fingerprint): void {
  for (const [name, value] of Object.entries(describe(fingerprint)))
    if (run[name] !== value) throw otherRun(name, run[name], value);
}

/**
 * @param was JSON, as `is`: of objects the first value that differs is named
 * @returns `E_CHECKPOINT`
 */
export function otherRun(name: string, was = "null", is = "null"): SviError {
  const { field, had, has } = difference(parsed(was), parsed(is));
  const option = field ?? name;
  return new SviError(
    "E_CHECKPOINT",
    name === "corpus"
      ? "The checkpoint's run read another text"
      : `The checkpoint's run had ${option} ${shown(had)}, this one has ${shown(has)}`,
    { option, value: had, remedy: "Resume with the text and options that the run began with" },
  );
}

interface Difference {
  /** Of the outermost object; none where kinds differ. */
  readonly field?: string;
  readonly had: unknown;
  readonly has: unknown;
}

/** As deep as both are objects. */
function difference(had: unknown, has: unknown): Difference {
  if (typeof had !== "object" || typeof has !== "object" || had === null || has === null) return { had, has };
  const [before, now] = [had, has] as Record<string, unknown>[];
  const key = Object.keys({ ...before, ...now }).find(
    (each) => JSON.stringify(before[each]) !== JSON.stringify(now[each]),
  );
  if (key === undefined) return { had, has };
  const inner = difference(before[key], now[key]);
  return { ...inner, field: key === "kind" ? undefined : key };
}

const shown = (value: unknown) => (value == null ? "none" : JSON.stringify(value));

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}

function describe(fingerprint: Fingerprint): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fingerprint).map(([name, value]) => [name, JSON.stringify(value, digested)]),
  );
}

interface Recorded extends Pick<Saved, "run" | "scalars"> {
  readonly version?: number;
}

/** Arrays by their hash: those of a learnt prior are as long as the model. */
function digested(_name: string, value: unknown): unknown {
  return value instanceof Float32Array ? hashFloats([value]) : value;
}

function parseTraining(metadata: string): Recorded {
  try {
    const { version, run, scalars } = JSON.parse(metadata);
    const lists = Object.values(scalars) as unknown[];
    const numbers = lists.every((list) => Array.isArray(list) && list.every((n) => Number.isFinite(n)));
    if (numbers && typeof run === "object" && run !== null) return { version, run, scalars };
  } catch {
    // Told below: what JSON found wrong helps nobody.
  }
  throw new SviError("E_CHECKPOINT", "The checkpoint's record of its run cannot be read", {
    value: metadata.slice(0, 80),
    remedy: "Go back to an older checkpoint, or train again",
  });
}
