/**
 * @module A party of a federated run: its text never leaves it. Runs wherever fetch does: a page, an isolate, Node.
 */

import { requireInteger, requireNumber, SviError } from "../../errors.ts";
import { packageVersion, sources } from "../../kernels/generated/identity.ts";
import type { Kernels } from "../../kernels/kernels.ts";
import type { Posterior } from "../../model/posterior.ts";
import { type Kinds, requireOptions } from "../../options.ts";
import { requireCorpus } from "../../prediction/model.ts";
import type { Corpus } from "../../text/corpus.ts";
import type { JsonTokenizerReader } from "../../text/types.ts";
import { readModel } from "../../training/modelFile.ts";
import { fromWire } from "../../worker/wire.ts";
import { learnShard } from "../learn.ts";
import { changeOf, changeToBytes, type Normal } from "../naturals.ts";
import { planFromBytes } from "../plan.ts";
import type { Job } from "../round.ts";
import { type Protection, protectedChange, requireProtection } from "./noise.ts";
import { privacySpent } from "./privacy.ts";
import { AWAY, type Joining, type Offer, type Refusal, type Sent } from "./protocol.ts";

export interface FederatedWorkerOptions {
  /** Address that `svi-lm cluster serve` prints. */
  readonly url: string;
  /** Name of this party, another for each. */
  readonly party: string;
  /** Its text, with the tokenizer of the model. */
  readonly corpus: Corpus;
  /** What the server asks for. */
  readonly token?: string;
  /** With `noise`: greatest norm of a round's change of the mean. */
  readonly clip?: number;
  /** With `clip`: standard deviation of the noise on every weight, in clipping norms. */
  readonly noise?: number;
  /** Probability with which the ε that events tell may fail; 1e-6 by default. */
  readonly delta?: number;
  /** Milliseconds between two questions for a job; 1000 by default. */
  readonly interval?: number;
  /** Seconds that a server which was there before may be away, while it is started again; 60 by default. */
  readonly patience?: number;
  readonly kernels?: Kernels;
  /** `jsonTokenizer` of `svi-lm/tokenizers`, for runs with a tokenizer.json. */
  readonly json?: JsonTokenizerReader;
  readonly signal?: AbortSignal;
}

const OPTIONS: Kinds<FederatedWorkerOptions> = {
  url: "string",
  party: "string",
  corpus: "object",
  token: "string",
  clip: "number",
  noise: "number",
  delta: "number",
  interval: "number",
  patience: "number",
  kernels: "kernels",
  json: "function",
  signal: "signal",
};

export interface FederatedEvent {
  readonly event: "sent";
  readonly round: number;
  readonly tokens: number;
  /** Training loss on the own text, nats a token; told to nobody else where the result is protected. */
  readonly nll: number;
  /** What all results so far tell about the text at most, with `delta`; infinite without noise. */
  readonly epsilon: number;
}

/**
 * Does the jobs of a federated run on a text that stays here, until the run ends or the signal aborts.
 *
 * With `clip` and `noise` a result is the change of the mean alone, clipped and with noise of the host's generator; how
 * much the party has then told is in every event. Without, results tell what a model tells about its text.
 *
 * ```typescript
 * import { Corpus } from "svi-lm";
 * import { federatedWorker } from "svi-lm/federated";
 *
 * const corpus = await Corpus.open(text, { tokenizer });
 * for await (const { round, epsilon } of federatedWorker({ url, party: "ward 7", corpus, clip: 0.05, noise: 8 }))
 *   console.log(round, epsilon);
 * ```
 *
 * @throws SviError `E_OPTION`, `E_SERVER`, `E_VERSION`, `E_TEXT_SHORT`, `E_DIVERGED`; the signal's reason
 */
export async function* federatedWorker(
  options: FederatedWorkerOptions,
): AsyncGenerator<FederatedEvent, void, void> {
  requireOptions("federatedWorker", options, OPTIONS);
  requireCorpus(options.corpus);
  const party = new Party(options);
  await party.join();
  for (;;) {
    const offer = await party.offer();
    if (offer.offer === "end") return;
    if (offer.offer === "job") yield await party.answer(offer.plan, offer.job);
    else await party.wait();
  }
}

class Party {
  readonly #options: FederatedWorkerOptions;
  readonly #protection: Protection | null;
  readonly #interval: number;
  readonly #patience: number;
  #joined = false;
  #state: Uint8Array | null = null;
  #sent = 0;

  constructor(options: FederatedWorkerOptions) {
    const { clip, noise, interval, patience = 60 } = options;
    this.#options = options;
    this.#protection =
      clip === undefined && noise === undefined
        ? null
        : requireProtection({ clip: clip ?? Number.NaN, noise: noise ?? Number.NaN });
    this.#patience = 1000 * requireNumber("patience", patience, "a number from 0", (v) => v >= 0);
    this.#interval = requireInteger("interval", interval ?? 1000, 1, 3_600_000);
  }

  async join(): Promise<void> {
    const { party, corpus } = this.#options;
    const tokens = this.#protection ? null : corpus.tokens;
    const joining: Joining = { party, tokens, version: packageVersion, sources };
    await this.#ask("join", {}, JSON.stringify(joining));
    this.#joined = true;
  }

  async offer(): Promise<Offer> {
    return JSON.parse(new TextDecoder().decode(await this.#ask("job", { party: this.#options.party })));
  }

  wait(): Promise<void> {
    const { signal } = this.#options;
    return new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        reject(signal!.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", stop);
        resolve();
      }, this.#interval);
      signal?.addEventListener("abort", stop, { once: true });
    });
  }

  async answer(planText: string, job: Job): Promise<FederatedEvent> {
    const { party, corpus, json, kernels, signal, delta = 1e-6 } = this.#options;
    const plan = planFromBytes(new TextEncoder().encode(planText));
    const bytes = await this.#ask(`blob/${job.model}`, {});
    const { posterior } = readModel(bytes, { json });
    const before = { mean: posterior.mean.slice(), precision: posterior.precision!.slice() };
    const learnt = await learnShard(plan, job, posterior, corpus, this.#state, { kernels, signal });
    const told = this.#protection ? { nll: null, tokens: null } : { nll: learnt.nll, tokens: learnt.tokens };
    const sent: Sent = { party, round: job.round, ...told };
    const change = this.#changeOf(posterior, before);
    // Counted before it goes out: an answer that is lost may have been read.
    this.#sent++;
    await this.#ask("result", { sent: JSON.stringify(sent) }, change as Uint8Array<ArrayBuffer>);
    this.#state = learnt.state;
    const epsilon = this.#protection
      ? privacySpent({ noise: this.#protection.noise, rounds: this.#sent, delta }).epsilon
      : Number.POSITIVE_INFINITY;
    return { event: "sent", round: job.round + 1, tokens: learnt.tokens, nll: learnt.nll, epsilon };
  }

  #changeOf({ layout, mean, precision }: Posterior, before: Normal): Uint8Array {
    return changeToBytes(
      this.#protection
        ? protectedChange(layout, before, mean, this.#protection)
        : changeOf(layout, { mean, precision: precision! }, before),
    );
  }

  /** Once the server was there, it is asked again for a while: what it has written down it knows when it is back. */
  async #ask(path: string, query: Record<string, string>, body?: BodyInit): Promise<Uint8Array> {
    const { url, signal } = this.#options;
    const until = performance.now() + (this.#joined ? this.#patience : 0);
    for (;;) {
      const answer = await this.#request(path, query, body).catch((cause: unknown) => ({ cause }));
      if (!("cause" in answer) && answer.status !== AWAY) return accepted(url, answer);
      signal?.throwIfAborted();
      if (performance.now() >= until)
        throw "cause" in answer ? serverError(url, "cannot be reached", answer.cause) : accepted(url, answer);
      await this.wait();
    }
  }

  async #request(path: string, query: Record<string, string>, body?: BodyInit): Promise<Answer> {
    const { url, token, signal } = this.#options;
    const address = `${url.replace(/\/+$/, "")}/${path}?${new URLSearchParams(query)}`;
    const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
    const method = body === undefined ? "GET" : "POST";
    const response = await fetch(address, { method, headers, body, signal });
    return { status: response.status, bytes: new Uint8Array(await response.arrayBuffer()) };
  }
}

interface Answer {
  readonly status: number;
  readonly bytes: Uint8Array;
}

/** @throws SviError what the server refuses the request with */
function accepted(url: string, { status, bytes }: Answer): Uint8Array {
  if (status === 200) return bytes;
  const refusal = refusalIn(bytes);
  throw refusal?.error ? fromWire(refusal.error) : serverError(url, `answered ${status}`);
}

function refusalIn(bytes: Uint8Array): Refusal | null {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

function serverError(url: string, what: string, cause?: unknown): SviError {
  return new SviError("E_SERVER", `${url} ${what}`, {
    option: "url",
    value: url,
    remedy: "Give the address that svi-lm cluster serve prints, and check that it still runs",
    cause,
  });
}
