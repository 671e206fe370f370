/** @module A run in the middle: everything that it takes to continue to the same final hash. */
import { SviError } from "../errors.ts";
import type { Slices } from "../model/work.ts";
import type { Model } from "../prediction/model.ts";
import type { Tokenizer } from "../text/types.ts";
import { composeModel, readModel } from "./modelFile.ts";
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

/**
 * @param tokenizer that of the run: a tokenizer.json in the file needs no library, since resuming takes the arrays alone
 * @throws SviError `E_CHECKPOINT` where the file holds no run, or another one; `E_VERSION` where another version of
 *   svi-lm wrote it; what reading a model throws
 */
export function readCheckpoint(
  bytes: Uint8Array,
  fingerprint: Fingerprint,
  tokenizer: Tokenizer,
): { arrays: Map<string, Float32Array>; scalars: Record<string, number[]> } {
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
  const now = describe(fingerprint);
  for (const [name, value] of Object.entries(now))
    if (run[name] !== value)
      throw new SviError(
        "E_CHECKPOINT",
        `The checkpoint's run had ${name} ${run[name]}, this one has ${value}`,
        {
          value: run[name],
          remedy: "Resume with the text and options that the run began with",
        },
      );
  return { arrays: training.arrays, scalars };
}

function describe(fingerprint: Fingerprint): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fingerprint).map(([name, value]) => [name, JSON.stringify(value)]),
  );
}

interface Recorded {
  readonly version?: number;
  readonly run: Record<string, string>;
  readonly scalars: Record<string, number[]>;
}

function parseTraining(metadata: string): Recorded {
  try {
    const { version, run, scalars } = JSON.parse(metadata);
    const numbers = Object.values(scalars) as unknown[];
    if (run !== null && numbers.every((list) => Array.isArray(list) && list.every((n) => Number.isFinite(n))))
      return { version, run, scalars };
  } catch {
    // Told below: what JSON found wrong helps nobody.
  }
  throw new SviError("E_CHECKPOINT", "The checkpoint's record of its run cannot be read", {
    value: metadata.slice(0, 80),
    remedy: "Go back to an older checkpoint, or train again",
  });
}
