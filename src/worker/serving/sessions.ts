/** @module Sessions, as a worker serves them. */
import { learner } from "../../training/learner.ts";
import { move } from "../channel.ts";
import type { ThreadFunctions } from "../protocol.ts";
import type { Serving } from "./serving.ts";

type SessionFunctions = Pick<ThreadFunctions, "openSession" | (`session${string}` & keyof ThreadFunctions)>;

export function sessionFunctions({ objects, jobs }: Serving): SessionFunctions {
  return {
    openSession: async (model, { learner: described, ...options }) => {
      // What is not a learner is for the session to refuse.
      const own = described?.kind === "learner" ? learner(described.options) : (described as undefined);
      return objects.keepSession(await objects.model(model).session({ ...options, learner: own }));
    },
    sessionRead: (session, text) => objects.session(session).read(text),
    sessionWord: (session) => objects.session(session).word,
    sessionTop: (session, ...given) => objects.session(session).top(...given),
    sessionDistribution: (session) => {
      const found = objects.session(session).distribution();
      return move(found, found.probabilities.buffer);
    },
    sessionComplete: (job, session, options) =>
      jobs.heeding(job, (signal) => objects.session(session).complete({ ...options, signal })),
    sessionLearn: (job, session, options) =>
      jobs.heeding(job, (signal) => objects.session(session).learn({ ...options, signal })),
    sessionLearntBytes: async (session) => {
      const bytes = await objects.session(session).learntBytes();
      return move(bytes, bytes.buffer);
    },
    sessionFork: (session) => objects.keepSession(objects.session(session).fork()),
    sessionBytes: (session) => {
      const bytes = objects.session(session).toBytes();
      return move(bytes, bytes.buffer);
    },
    sessionDispose: (session) => objects.session(session).dispose(),
  };
}
