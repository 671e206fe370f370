import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type FederateOptions,
  type FederationEvent,
  federate,
} from "../../src/distributed/federated/serve.ts";
import {
  type FederatedEvent,
  type FederatedWorkerOptions,
  federatedWorker,
  privacySpent,
} from "../../src/entries/federated.ts";
import { Corpus, fit, LanguageModel } from "../../src/entries/index.ts";
import { byteTokenizer } from "../../src/text/byte.ts";
import { freePort } from "./support.ts";

const tokenizer = byteTokenizer();
const text = (word: string) => Array.from({ length: 60 }, (_, i) => `line ${i} of the ${word}\n`).join("");
const corpora = new Map<string, Corpus>();
let model: LanguageModel;

beforeAll(async () => {
  model = await LanguageModel.create({ tokenizer, embedding: 4, hidden: 8 });
  const open = await Corpus.open(text("public sea"), { tokenizer });
  for await (const _ of fit(model, open, { batch: 4, sequence: 16, epochs: 0.5 }));
  for (const word of ["north", "south"]) corpora.set(word, await Corpus.open(text(word), { tokenizer }));
}, 60_000);

interface Federated {
  readonly events: FederationEvent[];
  readonly sent: FederatedEvent[];
  readonly hash: string;
}

async function work(
  url: string,
  party: string,
  options: Partial<FederatedWorkerOptions>,
  sent: FederatedEvent[] = [],
): Promise<void> {
  const corpus = corpora.get(party)!;
  for await (const event of federatedWorker({ url, party, corpus, interval: 5, ...options }))
    sent.push(event);
}

/** A run with the parties in an order of arrival. */
async function run(
  parties: readonly string[],
  worker: Partial<FederatedWorkerOptions> = {},
  server: Partial<FederateOptions> = {},
): Promise<Federated> {
  const events: FederationEvent[] = [];
  const sent: FederatedEvent[] = [];
  const working: Promise<void>[] = [];
  const shape = { parties: 2, rounds: 2, batch: 4, sequence: 16, port: 0 };
  for await (const event of federate({ model, ...shape, ...server })) {
    events.push(event);
    if (event.event === "serving") working.push(work(event.url, parties[0], worker, sent));
    if (event.event === "joined" && event.missing > 0) {
      working.push(work((events[0] as { url: string }).url, parties[1], worker, sent));
    }
  }
  await Promise.all(working);
  const last = events.at(-1)!;
  return { events, sent, hash: "model" in last ? last.model.hash() : "none" };
}

describe("a federated run", { timeout: 60_000 }, () => {
  it("has one model whichever party comes first, and tells every round", async () => {
    const first = await run(["north", "south"]);
    expect(first.events.map(({ event }) => event)).toEqual(
      "serving joined joined round round done".split(" "),
    );
    expect(first.events[3]).toMatchObject({ round: 1, rounds: 2, nll: expect.any(Number) });
    const { nll } = first.events[4] as { nll: number };
    expect(first.events[5]).toMatchObject({ event: "done", nll });
    expect(nll).not.toBe((first.events[3] as { nll: number }).nll);
    expect(first.sent.map(({ epsilon }) => epsilon)).toEqual([Infinity, Infinity, Infinity, Infinity]);
    expect(first.hash).not.toBe(model.hash());
    expect((await run(["south", "north"])).hash).toBe(first.hash);
  });

  it("with noise, tells how much was told, keeps losses and precision, and repeats to no hash", async () => {
    const noisy = { clip: 0.5, noise: 20, delta: 1e-5 };
    const { events, sent, hash } = await run(["north", "south"], noisy);
    expect(events[3]).toMatchObject({ event: "round", nll: null });
    const { epsilon } = privacySpent({ noise: 20, rounds: 2, delta: 1e-5 });
    expect(Math.max(...sent.map((event) => event.epsilon))).toBe(epsilon);
    const last = events.at(-1)!;
    expect(last).toMatchObject({ event: "done", nll: null });
    expect("model" in last && last.model.posterior.precision).toEqual(model.posterior.precision);
    expect((await run(["north", "south"], noisy)).hash).not.toBe(hash);
  });

  it("ends with its signal, with the model that it has", async () => {
    const abort = new AbortController();
    const seen: FederationEvent[] = [];
    for await (const event of federate({ model, parties: 1, port: 0, signal: abort.signal })) {
      seen.push(event);
      abort.abort();
    }
    expect(seen.at(-1)).toMatchObject({ event: "stopped", rounds: 0, nll: null });
  });

  it("is refused: another token, a model that was not trained, a clip without noise", async () => {
    const failure = (work: Promise<unknown>) =>
      work.then(
        () => null,
        (error) => error,
      );
    const abort = new AbortController();
    for await (const event of federate({ model, parties: 1, port: 0, token: "a", signal: abort.signal })) {
      if (event.event !== "serving") continue;
      const { url } = event;
      const corpus = corpora.get("north")!;
      const asked = (more: object) => failure(federatedWorker({ url, party: "n", corpus, ...more }).next());
      expect(await asked({ token: "b" })).toMatchObject({
        code: "E_SERVER",
        problem: expect.stringMatching(/token/),
      });
      expect(await asked({ token: "a", clip: 1 })).toMatchObject({ code: "E_OPTION", option: "noise" });
      expect((await fetch(`${url}blob/none`)).status).toBe(400);
      abort.abort();
    }
    const fresh = await LanguageModel.create({ tokenizer, embedding: 4, hidden: 8 });
    expect(await failure(federate({ model: fresh, parties: 1 }).next())).toMatchObject({ code: "E_OPTION" });
  });
});

describe("a federated run whose server is started again", { timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "svi-lm-federated-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let undisturbed: string;
  beforeAll(async () => {
    undisturbed = (await run(["north", "south"], {}, { rounds: 4 })).hash;
  }, 60_000);

  /** Whose first request is lost with the server is started again, as by whatever supervises it. */
  async function joining(url: string, party: string): Promise<void> {
    for (;;) {
      const error = await work(url, party, { patience: 60 }).catch((reason) => reason);
      if (error === undefined) return;
      if (error.code !== "E_SERVER") throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** A server that is lost whenever `lost` says so of an event, with its parties waiting for the next one. */
  async function restarted(checkpoint: string, lost: (event: FederationEvent, servers: number) => boolean) {
    const port = await freePort();
    const shape = { parties: 2, rounds: 4, batch: 4, sequence: 16, port, checkpoint };
    const working: Promise<void>[] = [];
    const begun: number[] = [];
    for (;;) {
      for await (const event of federate({ model, ...shape })) {
        if (event.event === "serving") begun.push(event.rounds);
        if (event.event === "serving" && working.length === 0)
          for (const party of ["south", "north"]) working.push(joining(event.url, party));
        if (lost(event, begun.length)) break;
        if ("model" in event) {
          await Promise.all(working);
          return { begun, hash: event.model.hash() };
        }
      }
    }
  }

  it("comes to the model of a run that was not disturbed", async () => {
    const { begun, hash } = await restarted(join(folder, "after rounds"), (event) => event.event === "round");
    expect(begun).toEqual([0, 1, 2, 3, 4]);
    expect(hash).toBe(undisturbed);
  });

  it("also where that is between two parties, and where all had joined", async () => {
    const lost = (event: FederationEvent, servers: number) => event.event === "joined" && servers < 3;
    expect((await restarted(join(folder, "joining"), lost)).hash).toBe(undisturbed);
  });

  it("is refused in the folder of another run, or in a damaged one", async () => {
    const checkpoint = join(folder, "other");
    const shape = { model, parties: 1, port: 0, checkpoint };
    const first = federate(shape);
    await first.next();
    await first.return();
    writeFileSync(join(checkpoint, "run.json"), '{"run":"another"}');
    await expect(federate(shape).next()).rejects.toMatchObject({ code: "E_CHECKPOINT" });
    writeFileSync(join(checkpoint, "run.json"), "{");
    await expect(federate(shape).next()).rejects.toMatchObject({ code: "E_CHECKPOINT" });
  });
});

describe("a party's bundle", () => {
  it("needs nothing of Node's", { timeout: 60_000 }, async () => {
    const { outputFiles } = await build({
      entryPoints: ["src/entries/federated.ts"],
      bundle: true,
      write: false,
      platform: "browser",
      format: "esm",
      logLevel: "silent",
    });
    expect(outputFiles[0].text).not.toMatch(/from "node:/);
  });
});

describe("what noise hides", () => {
  // Computed apart from this code: a ternary search of Balle et al.'s theorem 21, Mironov's closed form for his
  // proposition 3, and the exact ε of a Gaussian mechanism (Balle and Wang 2018), which no bound may be below.
  it.each([
    [4, 1, 1e-5, 2, 2.165715545175485, 2.5242629560940406, 1.9930914044151204],
    [10, 20, 1e-6, 2, 4.604440049436571, 5.1015760009535995, 4.305841110100309],
    [2, 100, 1e-5, 1, 35.06734096740074, 36.4926295609404, 33.10373233592246],
    [50, 100, 1e-5, 2, 1.6927337508050668, 1.9994103648752326, 1.5549816915322037],
  ])("noise %d over %d rounds", (noise, rounds, delta, sensitivity, epsilon, above, below) => {
    const found = privacySpent({ noise, rounds, delta, sensitivity }).epsilon;
    expect(found).toBeCloseTo(epsilon, 5);
    expect(found).toBeLessThan(above);
    expect(found).toBeGreaterThan(below);
  });

  it("is nothing before the first result, and less than nothing is refused", () => {
    expect(privacySpent({ noise: 1, rounds: 0, delta: 1e-6 }).epsilon).toBe(0);
    expect(() => privacySpent({ noise: 0, rounds: 1, delta: 1e-6 })).toThrow(/noise/);
    expect(() => privacySpent({ noise: 1, rounds: 1, delta: 1 })).toThrow(/delta/);
  });
});
