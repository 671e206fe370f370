/** @module Training, as a worker serves it: a run that waits for its caller at every step. */
import { adaptInTurn } from "../../training/adapt.ts";
import { type FitOptions, fitInTurn } from "../../training/fit.ts";
import { move } from "../channel.ts";
import type { ThreadFunctions, WireAdaptOptions, WireFitOptions } from "../protocol.ts";
import type { Serving } from "./serving.ts";

type RunFunctions = Pick<ThreadFunctions, "beginFit" | "beginAdapt" | "next" | "close">;

export function runFunctions(serving: Serving): RunFunctions {
  const { objects, jobs } = serving;
  return {
    beginFit: (job, model, corpus, options) =>
      jobs.begin(job, (signal, turn) =>
        fitInTurn(
          objects.model(model),
          objects.corpus(corpus),
          { ...optionsOf(serving, options), signal },
          turn,
        ),
      ),
    beginAdapt: (job, model, corpus, { past, rehearse, ...options }) =>
      jobs.begin(job, (signal, turn) => {
        // What is not a list is for adapt to refuse.
        const learnt = Array.isArray(past)
          ? past.map((one) => objects.model(one).posterior)
          : (past as undefined);
        const own = {
          ...optionsOf(serving, options),
          past: learnt,
          rehearse: rehearse === undefined ? undefined : objects.corpus(rehearse),
          signal,
        };
        return adaptInTurn(objects.model(model), objects.corpus(corpus), own, turn);
      }),
    next: (job) => jobs.next(job),
    close: (job, leaving) => jobs.close(job, leaving),
  };
}

/** Options of a run, with what they name by its number. */
function optionsOf<O extends WireFitOptions | WireAdaptOptions>(
  { objects, callback }: Serving,
  { validation, checkpoint, ...options }: O,
) {
  const own: Pick<FitOptions, "validation" | "checkpoint"> = {
    validation: validation && { ...validation, corpus: objects.corpus(validation.corpus) },
    checkpoint: checkpoint && {
      every: checkpoint.every,
      save: async (bytes) => {
        await callback(checkpoint.save, move(bytes, bytes.buffer));
      },
    },
  };
  return { ...options, ...own };
}
