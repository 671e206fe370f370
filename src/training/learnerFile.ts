/** @module What a session learnt as a file: a model like any other, with what its learner needs to continue. */
import { SviError } from "../errors.ts";
import type { Posterior } from "../model/posterior.ts";
import type { Slices } from "../model/work.ts";
import type { Model } from "../prediction/model.ts";
import type { LearnerForm } from "./learner.ts";
import { composeModel, readModel } from "./modelFile.ts";
import type { Trainer } from "./trainer.ts";

const FORMAT = "svi-lm learner";
const VERSION = 1;
/** Arrays that the file's model or the one that it began with has. */
const KNOWN: ReadonlySet<string> = new Set(["mean", "prior/mean", "prior/precision"]);
const NUMBERS: readonly (keyof LearnerForm)[] = ["sequence", "weight", "tokens", "learningRate", "seed"];

interface Described {
  /** Fingerprint of the weights that learning began with. */
  readonly base: string;
  readonly form: LearnerForm;
  /** Tokens that were learnt from. */
  readonly total: number;
}

export interface KeptLearner extends Described {
  readonly posterior: Posterior;
  readonly arrays: ReadonlyMap<string, Float32Array>;
  readonly scalars: Record<string, number[]>;
}

export function writeLearner(
  model: Model,
  trainer: Trainer,
  described: Described,
): Slices<Uint8Array<ArrayBuffer>> {
  const { arrays, scalars } = trainer.saved();
  const metadata = JSON.stringify({ format: FORMAT, version: VERSION, ...described, scalars });
  const own = new Map([...arrays].filter(([name]) => !KNOWN.has(name)));
  return composeModel(model, { arrays: own, metadata });
}

/**
 * Reads what `writeLearner` wrote; nothing in it is trusted.
 * @param base fingerprint of the model that the session is of
 * @throws SviError `E_FORMAT`, `E_VERSION`; `E_MODEL` where learning began with other weights; what reading a model throws
 */
export function readLearner(bytes: Uint8Array, { tokenizer, posterior }: Model, base: string): KeptLearner {
  const { posterior: learnt, training } = readModel(bytes, { json: () => tokenizer });
  const found = parse(training?.metadata);
  if (found.version !== VERSION)
    throw new SviError("E_VERSION", `What was learnt is of version ${String(found.version)}`, {
      value: found.version,
      remedy: "Use the version of svi-lm that wrote it, or begin without it",
    });
  if (found.base !== base || learnt.layout.length !== posterior.layout.length)
    throw new SviError(
      "E_MODEL",
      "What was learnt began with another model, or with this one before it was trained",
      {
        value: found.base,
        remedy: "Give the model that the session was opened with, or load the bytes as a model of their own",
      },
    );
  if (!learnt.precision) throw damaged("It has no posterior", null);
  return { ...found, posterior: learnt, arrays: training!.arrays };
}

function parse(
  metadata: string | undefined,
): Described & { version: unknown; scalars: Record<string, number[]> } {
  let found: Record<string, unknown> = {};
  try {
    found = Object(JSON.parse(metadata ?? "{}"));
  } catch (cause) {
    throw damaged("Its record is not JSON", metadata?.slice(0, 80), cause);
  }
  if (found.format !== FORMAT) throw damaged("It is a model, without a session's learner", found.format);
  const { base, form, total, scalars, version } = found as Record<string, never>;
  const numbers = Object.values(Object(scalars)) as unknown[];
  const finite = (n: unknown) => Number.isFinite(n) && (n as number) >= 0;
  const sound =
    finite(total) &&
    NUMBERS.every((name) => finite(Object(form)[name])) &&
    Number.isSafeInteger(Object(scalars).step?.[0]) &&
    numbers.every((list) => Array.isArray(list) && list.every((n) => Number.isFinite(n)));
  if (version === VERSION && !sound) throw damaged("Its record is malformed", typeof form);
  return { base, form, total, scalars, version };
}

function damaged(how: string, value: unknown, cause?: unknown): SviError {
  return new SviError("E_FORMAT", `This is not what a session learnt. ${how}`, {
    value,
    remedy: "Give what session.learntBytes() returned",
    cause,
  });
}
