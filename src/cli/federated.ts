/** @module `svi-lm cluster serve` and `join`: one model of texts that stay where they are. */
import type { FederateOptions, FederationEvent } from "../entries/distributed.ts";
import { makeFolder } from "../formats/file.ts";
import { Corpus } from "../text/corpus.ts";
import { jsonTokenizer } from "../text/json.ts";
import { command } from "./command.ts";
import { loadModel, requireWritable, withTexts } from "./files.ts";
import { type FolderLock, lockFolder } from "./folderLock.ts";
import { counted, fixed, note, printJson } from "./print.ts";
import { nothingMerged, saveMerged } from "./save.ts";
import { UsageError } from "./usage.ts";

const TOKEN = {
  token: { kind: "text", value: "WORD", help: "what parties must show; from SVI_LM_TOKEN where omitted" },
} as const;

function tokenOf({ token }: { readonly token?: string }): string | undefined {
  return token ?? (process.env.SVI_LM_TOKEN || undefined);
}

export const serveCommand = command({
  name: "cluster serve",
  summary: "train a model further on texts that stay with their parties, over HTTP",
  example: "svi-lm cluster serve public.svi --parties 3 --out all.svi",
  words: ["M"],
  options: {
    out: { kind: "path", value: "M", use: "write", help: "the model file to write" },
    parties: { kind: "number", help: "how many take part; the first round begins when all have joined" },
    rounds: { kind: "number", default: 20, help: "times that the parties' changes are merged" },
    local: { kind: "number", value: "X", default: 0.25, help: "epochs over its text that a party reads" },
    damping: { kind: "number", value: "X", default: 1, help: "share of the merged change that is made" },
    momentum: {
      kind: "number",
      value: "X",
      default: 0,
      help: "share of it that the next round continues with",
    },
    batch: { kind: "number", default: 8, help: "lanes of text that a party reads side by side" },
    sequence: { kind: "number", default: 64, help: "tokens that gradients flow back through" },
    seed: { kind: "number", default: 1, help: "without noise the same seed gives the same model" },
    port: { kind: "number", default: 8080, help: "where to listen; 0 for any port that is free" },
    host: { kind: "text", value: "ADDRESS", help: "address to listen on; this machine alone where omitted" },
    origin: { kind: "text", value: "ORIGIN", help: "whose pages may take part" },
    checkpoint: {
      kind: "path",
      value: "DIR",
      use: "write",
      help: "folder that the run is written to; the same command continues it",
    },
    ...TOKEN,
  },
  async run({ words, options, json, interruption }) {
    const { out, parties, token: _token, batch = 8, checkpoint, ...plan } = options;
    if (!out) throw new UsageError("--out is missing");
    if (parties === undefined) throw new UsageError("--parties is missing");
    await requireWritable(out);
    const { signal } = interruption;
    const model = await loadModel(words[0], signal);
    const { federate } = await import("../entries/distributed.ts");
    const shared = { ...plan, model, parties, batch, checkpoint, token: tokenOf(options), signal };
    const lock = checkpoint === undefined ? null : await lockedFolder(checkpoint);
    try {
      for await (const event of federate(shared satisfies FederateOptions)) {
        if (!("model" in event)) tell(event, json);
        else if (event.rounds === 0) return nothingMerged({ rounds: 0 }, json, interruption);
        else await conclude(event, out, json);
      }
    } finally {
      await lock?.release();
    }
    return interruption.requested ? interruption.exitCode : 0;
  },
});

/** @throws SviError `E_BUSY` where another server writes to it */
async function lockedFolder(folder: string): Promise<FolderLock> {
  await makeFolder(folder);
  return lockFolder(folder);
}

type Ending = Extract<FederationEvent, { readonly event: "done" | "stopped" }>;

async function conclude({ event, rounds, nll, model }: Ending, out: string, json: boolean): Promise<void> {
  const what = event === "done" ? "trained" : "stopped";
  await saveMerged({ model, nll, out }, json, { event, rounds }, [[what, counted(rounds, "round")]]);
}

type Progress = Exclude<FederationEvent, Ending>;

function tell(event: Progress, json: boolean): void {
  if (json) printJson(event);
  else if (event.event === "serving")
    note(
      `Parties: svi-lm cluster join TEXT --url ${event.url} --party NAME${event.rounds > 0 ? `; continued after round ${event.rounds}` : ""}`,
    );
  else if (event.event === "joined") note(`${event.party} has joined; ${event.missing} are missing`);
  else
    note(`round ${event.round} of ${event.rounds}${event.nll === null ? "" : `  ${fixed(event.nll)} nats`}`);
}

export const joinCommand = command({
  name: "cluster join",
  summary: "take part in a federated run with a text that stays here",
  example: "svi-lm cluster join own.txt --url http://host:8080 --party NAME --model public.svi",
  words: ["text…"],
  options: {
    url: { kind: "text", value: "URL", help: "address that serve prints" },
    party: { kind: "text", value: "NAME", help: "name of this party, another for each" },
    model: {
      kind: "path",
      value: "M",
      use: "read",
      help: "the model that the run begins with, for its tokenizer",
    },
    clip: { kind: "number", value: "C", help: "with --noise: greatest norm of a round's change" },
    noise: { kind: "number", value: "Z", help: "with --clip: noise on every weight, in clipping norms" },
    delta: {
      kind: "number",
      value: "D",
      default: 1e-6,
      help: "probability with which the ε that is told may fail",
    },
    patience: {
      kind: "number",
      value: "S",
      default: 60,
      help: "seconds that the server may be away while it is started again",
    },
    ...TOKEN,
  },
  async run({ words, options, json, interruption }) {
    const { url, party, model: path, clip, noise, delta, patience } = options;
    if (!url || !party || !path) throw new UsageError("--url, --party and --model are needed");
    const { signal } = interruption;
    const { tokenizer } = await loadModel(path, signal);
    const { federatedWorker } = await import("../entries/federated.ts");
    await withTexts(words, signal, async (texts) => {
      const corpus = await Corpus.open(texts, { tokenizer, signal });
      const privacy = { clip, noise, delta };
      const given = {
        url,
        party,
        corpus,
        patience,
        ...privacy,
        token: tokenOf(options),
        json: jsonTokenizer,
        signal,
      };
      for await (const event of federatedWorker(given)) {
        const epsilon = Number.isFinite(event.epsilon) ? event.epsilon : null;
        if (json) printJson({ ...event, epsilon });
        else
          note(
            `round ${event.round}  ${fixed(event.nll)} nats${epsilon === null ? "" : `  ε ${fixed(epsilon, 2)}`}`,
          );
      }
    });
    return 0;
  },
});
