/** What distributed training is asked for is checked before anything is opened or listened on. */
import { expect, test } from "vitest";
import { benchmark } from "../../src/entries/benchmark.ts";
import {
  clusterStatus,
  coordinate,
  federate,
  openBoard,
  stopRun,
  trainSharded,
  work,
} from "../../src/entries/distributed.ts";
import { federatedWorker, privacySpent } from "../../src/entries/federated.ts";

const CALLS: Record<string, (options: never) => unknown> = {
  benchmark,
  clusterStatus,
  coordinate: (options) => coordinate(options).next(),
  federate: (options) => federate(options).next(),
  federatedWorker: (options) => federatedWorker(options).next(),
  openBoard,
  privacySpent,
  stopRun,
  trainSharded: (options) => trainSharded(options).next(),
  work: (options) => work(options).next(),
};

test.each(Object.entries(CALLS))(
  "%s refuses an option that there is not, and no options",
  async (name, call) => {
    const refused = (options: unknown) => expect((async () => call(options as never))()).rejects;
    await refused({ sampels: 8 }).toMatchObject({
      code: "E_OPTION",
      option: "sampels",
      problem: `${name} has no option sampels`,
    });
    for (const wrong of [null, 5, "redis://host"]) await refused(wrong).toMatchObject({ code: "E_OPTION" });
  },
);

test.each(["trainSharded", "federate", "federatedWorker"])(
  "%s refuses what is not a model or a corpus",
  async (name) => {
    for (const wrong of [{}, { model: {}, corpus: {}, parties: 1 }]) {
      const known = Object.fromEntries(
        Object.entries(wrong).filter(([key]) => (key === "corpus") === (name === "federatedWorker")),
      );
      await expect((async () => CALLS[name](known as never))()).rejects.toMatchObject({ code: "E_OPTION" });
    }
  },
);
