/** @module Training in the worker, pulled from here. */
import type { EvaluateOptions } from "../evaluation/evaluate.ts";
import type { AdaptOptions } from "../training/adapt.ts";
import type { FitOptions, StepRecord, Validation } from "../training/fit.ts";
import type { Connection } from "./connection.ts";
import type { WorkerCorpus } from "./corpus.ts";
import type { WorkerLanguageModel } from "./model.ts";
import type { WireAdaptOptions, WireFitOptions } from "./protocol.ts";
import { handleOf, iterate } from "./remote.ts";

export type WorkerFitOptions = Omit<FitOptions, "validation" | "kernels"> & {
  readonly validation?: Omit<Validation, "corpus"> & { readonly corpus: WorkerCorpus };
};
export type WorkerAdaptOptions = Omit<WorkerFitOptions, "inference"> &
  Omit<AdaptOptions, keyof FitOptions | "past" | "rehearse"> & {
    /** Models of the worker's, in place of their posteriors. */
    readonly past?: readonly WorkerLanguageModel[];
    readonly rehearse?: WorkerCorpus;
  };
export type WorkerEvaluateOptions = Omit<EvaluateOptions, "kernels">;

/** @param more options that are the same on both sides */
export async function* pull(
  connection: Connection,
  begin: "beginFit" | "beginAdapt",
  model: WorkerLanguageModel,
  corpus: WorkerCorpus,
  { signal, until, validation, checkpoint, ...rest }: WorkerFitOptions,
  more: Pick<WireAdaptOptions, "past" | "rehearse"> = {},
): AsyncGenerator<StepRecord, void, void> {
  /** What `save` threw, as it is on this side. */
  let failure: { readonly error: unknown } | undefined;
  const save = connection.keep(async (bytes: Uint8Array) => {
    try {
      await checkpoint!.save(bytes);
    } catch (error) {
      failure = { error };
      throw error;
    }
  });
  const options: WireFitOptions & WireAdaptOptions = {
    ...rest,
    ...more,
    validation: validation && { ...validation, corpus: handleOf(connection, validation.corpus) },
    checkpoint: checkpoint && { every: checkpoint.every, save },
  };
  const handles = [handleOf(connection, model), handleOf(connection, corpus)] as const;
  try {
    yield* iterate(connection, signal, (job) => connection.call(begin, job, ...handles, options), until);
  } catch (error) {
    throw failure ? failure.error : error;
  } finally {
    connection.forget(save);
  }
}
