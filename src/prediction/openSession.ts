/** @module Opens a session: anew, or where the bytes of an earlier one stand. */
import { requireInteger, SviError } from "../errors.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { type Kinds, requireOptions } from "../options.ts";
import { Cache, type CacheForm, requireCache } from "./cache.ts";
import { type CachedForm, requireForm } from "./ensemble.ts";
import type { Learner, Learning } from "./learning.ts";
import { type Model, requireSamples } from "./model.ts";
import { noLearner, Session, type SessionStates } from "./session.ts";
import { type KeptSession, readSession } from "./sessionBytes.ts";
import { fingerprintOf, type SessionForm, SharedPredictor } from "./shared.ts";
import { TypedText } from "./typed.ts";

export interface SessionOptions extends CachedForm {
  /** Posterior samples whose predictions are averaged; 0 for the mean. */
  readonly samples?: number;
  readonly seed?: number;
  /** What `toBytes` gave, of the same model: the session continues where that one was. */
  readonly from?: Uint8Array;
  /** `learner()`, for `learn`: the session then has weights of its own. */
  readonly learner?: Learner;
  readonly memoryLimit?: number;
  /** What computes: the entry point's own by default. */
  readonly kernels?: Kernels;
}

const OPTIONS: Kinds<SessionOptions> = {
  samples: "number",
  seed: "number",
  sampling: "string",
  quantized: "string",
  cache: "any",
  from: "any",
  learner: "object",
  memoryLimit: "number",
  kernels: "kernels",
};

/**
 * Opens a session.
 * @throws SviError `E_OPTION`, `E_MEMORY`; `E_FORMAT`, `E_VERSION`, `E_MODEL` for bytes that are not a session of this
 *   model
 */
export async function session(model: Model, options: SessionOptions = {}): Promise<Session> {
  requireOptions("session", options, OPTIONS);
  const kept = options.from === undefined ? null : readSession(model, options.from);
  const { sampling, quantized } = requireForm(options);
  const form: SessionForm = {
    samples: requireSamples(model.posterior, options.samples ?? kept?.form.samples ?? 0),
    seed: requireInteger("seed", options.seed ?? kept?.form.seed ?? 1, 0, Number.MAX_SAFE_INTEGER),
    sampling: options.sampling ? sampling : (kept?.form.sampling ?? sampling),
    quantized: quantized ?? kept?.form.quantized,
  };
  const cache = options.cache === undefined ? (kept?.cache?.form ?? null) : requireCache(options.cache);
  if (kept) requireSameForm({ ...form, ...spelt(cache) }, { ...kept.form, ...spelt(kept.cache?.form) });
  const learning = await openLearning(model, options, kept);
  const predictor = await SharedPredictor.open(learning?.posterior ?? model.posterior, form, options);
  if (kept) requireSizes(kept, predictor);
  return new Session({
    model,
    form,
    predictor,
    states: kept?.states ?? statesOf(model, predictor),
    places: kept?.places ?? { now: 0, word: 0, line: 0 },
    typed: new TypedText(model.tokenizer, kept?.typed),
    cache: kept?.cache ?? (cache && new Cache(cache, predictor.topSize)),
    learning,
  });
}

/** @throws SviError `E_MODEL` where what the session has learnt is not what the learner has; what `learner` does */
async function openLearning(
  model: Model,
  { learner, kernels }: SessionOptions,
  kept: KeptSession | null,
): Promise<Learning | null> {
  if (learner !== undefined && typeof learner.open !== "function") throw noLearner("learner is not one");
  const at = {
    waiting: kept?.learnt?.waiting ?? { ids: [], apart: true },
    place: kept?.places.now ?? 0,
    kernels,
  };
  const learning = (await learner?.open(model, at)) ?? null;
  if (!kept) return learning;
  const [had, has] = [
    kept.learnt?.weights ?? kept.fingerprint,
    fingerprintOf(learning?.posterior ?? model.posterior),
  ];
  if (had === has) return learning;
  learning?.release();
  throw new SviError(
    "E_MODEL",
    "The session had read with other weights than these: it had learnt, or its learner has learnt since",
    {
      value: had,
      remedy: "Give learner({ from }) what learntBytes() returned when the session's bytes were made",
    },
  );
}

/** A cache's form as it is compared and shown. */
const spelt = (cache: CacheForm | null | undefined) => ({
  cache: cache ? `{ size: ${cache.size}, theta: ${cache.theta}, lambda: ${cache.lambda} }` : "none",
});

/** Before anything is read: zeros, or those at a document's beginning. */
function statesOf({ documents, tokenizer }: Model, predictor: SharedPredictor): SessionStates {
  const now = new Float32Array(predictor.stateSize);
  if (documents) {
    predictor.load(now);
    predictor.owner = null;
    predictor.read(documents.separator);
    predictor.save(now);
  }
  return { now, word: now.slice(), line: TypedText.needsLines(tokenizer) ? now.slice() : null };
}

function requireSameForm<F extends object>(asked: F, kept: F): void {
  for (const name of Object.keys(asked) as (keyof F & string)[])
    if (asked[name] !== kept[name])
      throw new SviError(
        "E_OPTION",
        `${name} is ${asked[name]}, and the session was opened with ${kept[name]}`,
        {
          option: name,
          value: asked[name],
          remedy: "Omit it: a session keeps what it was opened with",
        },
      );
}

function requireSizes({ states, cache }: KeptSession, { stateSize, topSize }: SharedPredictor): void {
  const [has, needs] =
    states.now.length === stateSize ? [cache?.width, topSize] : [states.now.length, stateSize];
  if (has === undefined || has === needs) return;
  throw new SviError("E_FORMAT", `The session has a state of ${has} numbers`, {
    value: has,
    remedy: `Give a session of this model, whose states have ${needs}`,
  });
}
