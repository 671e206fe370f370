/**
 * @module The server of a federated run: parties whose texts stay with them fetch jobs and send changes, over HTTP.
 *
 * A job can be done by its party alone, so that there is no queue: a round waits for all of them.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { requireInteger, SviError } from "../../errors.ts";
import { packageVersion, sources } from "../../kernels/generated/identity.ts";
import { LanguageModel } from "../../languageModel.ts";
import { type Kinds, requireOptions } from "../../options.ts";
import { requireModel } from "../../prediction/model.ts";
import { jsonTokenizer } from "../../text/json.ts";
import { toWire } from "../../worker/wire.ts";
import { Channel } from "../channel.ts";
import { listen, urlOf } from "../http.ts";
import { Merger } from "../merger.ts";
import { changeFromBytes } from "../naturals.ts";
import { nameOf, planBytes, planFromBytes, type RunPlan } from "../plan.ts";
import { planOver, RUN, type RunOptions } from "../request.ts";
import type { RoundState } from "../rounds.ts";
import type { Shard } from "../texts.ts";
import { type Ledger, ledgerOf, type Taken } from "./ledger.ts";
import { AWAY, type Joining, type Offer, type Sent } from "./protocol.ts";

export interface FederateOptions
  extends Omit<RunOptions, "texts" | "shards" | "verify" | "warmUp" | "lineEnds"> {
  /** Trained before, on text that is nobody's secret. */
  readonly model: LanguageModel;
  /** How many there are: the first round begins when all have joined. */
  readonly parties: number;
  /** What parties must show; anybody who knows the address may take part where omitted. */
  readonly token?: string;
  /** 8080 by default; 0 for any that is free. */
  readonly port?: number;
  /** Address to listen on; this machine alone by default. */
  readonly host?: string;
  /** Whose pages may ask, for parties in browsers: an origin, or `*`. */
  readonly origin?: string;
  /** Folder that the run is written to: started again with the same options it continues. In memory where omitted. */
  readonly checkpoint?: string;
  readonly signal?: AbortSignal;
}

export type FederationEvent =
  /** With the rounds that were merged before the server was started again. */
  | { readonly event: "serving"; readonly url: string; readonly rounds: number }
  | { readonly event: "joined"; readonly party: string; readonly missing: number }
  | {
      readonly event: "round";
      readonly round: number;
      readonly rounds: number;
      /** Mean training loss of the round, nats a token; null where parties keep it to themselves. */
      readonly nll: number | null;
    }
  | {
      readonly event: "done" | "stopped";
      readonly rounds: number;
      /** Of the last round; null where there was none, or parties keep it to themselves. */
      readonly nll: number | null;
      readonly model: LanguageModel;
    };

const { texts: _t, shards: _s, verify: _v, warmUp: _w, lineEnds: _l, ...SHARED } = RUN;
const OPTIONS: Kinds<FederateOptions> = {
  ...SHARED,
  parties: "number",
  token: "string",
  port: "number",
  host: "string",
  origin: "string",
  checkpoint: "string",
  signal: "signal",
};

/** Bytes of a request besides the numbers of a change. */
const SLACK = 2 ** 20;
/** Bytes of a weight's change: two numbers. */
const CHANGE_BYTES = 8;
/** Lanes that a party reads side by side, and rounds: what they tell is counted by round, so that few read much. */
const BATCH = 32;
const ROUNDS = 20;
const LOCAL = 0.25;
/** How long the server still tells parties that the run has ended, in milliseconds. */
const FAREWELL_MILLISECONDS = 3000;

/**
 * Serves a federated run until its last round. Its model is that of all merged rounds; without noise it depends on
 * texts, names of parties, options and seed alone.
 *
 * The last event is "done", or "stopped" where the signal ended it early.
 * @throws SviError `E_OPTION`; `E_HOST` where the port is taken; `E_CHECKPOINT` where the folder is of another run;
 *   `E_FILE_WRITE` where it is full, and what was merged stays in it
 */
export async function* federate(options: FederateOptions): AsyncGenerator<FederationEvent, void, void> {
  requireOptions("federate", options, OPTIONS);
  requireModel(options.model);
  const federation = await Federation.open(options);
  const server = createServer((request, response) => void federation.answer(request, response));
  const port = requireInteger("port", options.port ?? 8080, 0, 65_535);
  await listen(server, port, options.host ?? "127.0.0.1");
  const stop = () => void federation.end("stopped");
  options.signal?.addEventListener("abort", stop);
  try {
    yield { event: "serving", url: urlOf(server), rounds: federation.rounds };
    if (options.signal?.aborted) stop();
    yield* federation.channel.values();
    await federation.farewell(options.signal);
  } finally {
    options.signal?.removeEventListener("abort", stop);
    federation.leave();
    await close(server);
  }
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

class Federation {
  readonly channel = new Channel<FederationEvent>();
  readonly #options: FederateOptions;
  readonly #count: number;
  readonly #ledger: Ledger;
  readonly #joined = new Map<string, number | null>();
  /** Parties that have heard of the end. */
  readonly #left = new Set<string>();
  /** In the order of their names, which numbers their jobs; empty before the first round. */
  #parties: string[] = [];
  #plan: RunPlan | null = null;
  #state: RoundState | null = null;
  #results = new Map<string, Taken>();
  #over = false;
  /** Name of the run. */
  #run = "";

  /** Continues what the folder holds. */
  static async open(options: FederateOptions): Promise<Federation> {
    const federation = new Federation(options);
    await federation.#restore();
    return federation;
  }

  private constructor(options: FederateOptions) {
    this.#options = options;
    this.#ledger = ledgerOf(options.checkpoint);
    this.#count = requireInteger("parties", options.parties, 1, 10_000);
    const { precision, lambda } = options.model.posterior;
    if (!precision || lambda === null)
      throw new SviError("E_OPTION", "The model was not trained: it has no posterior", {
        option: "model",
        value: null,
        remedy: "Train it by ivon() on text that is nobody's secret first",
      });
  }

  /** Merged so far. */
  get rounds(): number {
    return this.#state?.round ?? 0;
  }

  async #restore(): Promise<void> {
    const anybody = Array.from({ length: this.#count }, (_, i) => ({ at: `party:${i}`, from: 0, to: 1 }));
    this.#run = nameOf(await this.#planOver(anybody.map((range) => [range])));
    const entry = await this.#ledger.read(this.#run);
    if (!entry) return;
    for (const [party, tokens] of entry.joined) this.#joined.set(party, tokens);
    if (!entry.begun) return;
    this.#parties = [...this.#joined.keys()].sort();
    this.#plan = planFromBytes(new TextEncoder().encode(entry.begun.plan));
    this.#state = entry.begun.state;
    this.#results = new Map(entry.results);
    if (this.#state.round === this.#plan.rounds) await this.end("done");
    else if (this.#results.size === this.#count) await this.#merge(this.#state);
  }

  #save(): Promise<void> {
    return this.#ledger.write(() => ({
      run: this.#run,
      joined: [...this.#joined],
      begun: this.#plan && { plan: new TextDecoder().decode(planBytes(this.#plan)), state: this.#state! },
      results: [...this.#results],
    }));
  }

  /** A model that was trained before needs no warm-up. */
  async #planOver(shards: readonly Shard[]): Promise<RunPlan> {
    const { momentum = 0, batch = BATCH, rounds = ROUNDS, local = LOCAL } = this.#options;
    const options = { ...this.#options, momentum, batch, rounds, local };
    return { ...(await planOver(shards, options, this.#ledger.blobs)), warmUp: 0 };
  }

  /** Never throws: what is wrong with a request is its answer. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { origin } = this.#options;
    if (origin) {
      response.setHeader("access-control-allow-origin", origin);
      response.setHeader("access-control-allow-headers", "authorization, content-type");
    }
    try {
      if (request.method === "OPTIONS") return void response.writeHead(204).end();
      this.#admit(request);
      const body = await this.#answerTo(request);
      if (body instanceof Uint8Array) response.end(body);
      else response.setHeader("content-type", "application/json").end(JSON.stringify(body));
    } catch (error) {
      // What cannot be written down must not be answered as if it were: the server ends, and parties ask the next one.
      const away = !(error instanceof SviError) || error.code === "E_FILE_WRITE";
      if (away && !this.#over) this.channel.fail(error);
      response.writeHead(away ? AWAY : 400, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: { ...toWire(error), stack: undefined } }));
    }
  }

  #admit({ headers }: IncomingMessage): void {
    const { token } = this.#options;
    if (token && headers.authorization !== `Bearer ${token}`)
      throw refused("The token is not that of the run", "Give the token that the server was started with");
  }

  async #answerTo(request: IncomingMessage): Promise<unknown> {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://server");
    const party = searchParams.get("party") ?? "";
    if (request.method === "GET" && pathname === "/job") return this.#offer(this.#known(party));
    const [, blob] = /^\/blob\/([0-9a-f]{64})$/.exec(pathname) ?? [];
    if (request.method === "GET" && blob) return this.#ledger.blobs.get(blob);
    if (request.method === "POST" && pathname === "/join")
      return this.#join(parsed<Joining>(new TextDecoder().decode(await this.#bodyOf(request))));
    if (request.method === "POST" && pathname === "/result")
      return this.#take(parsed<Sent>(searchParams.get("sent") ?? ""), await this.#bodyOf(request));
    throw refused(`There is no ${request.method} ${pathname}`, "Ask with federatedWorker of this version");
  }

  async #bodyOf(request: IncomingMessage): Promise<Uint8Array> {
    const most = CHANGE_BYTES * this.#options.model.posterior.layout.length + SLACK;
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of request) {
      length += chunk.length;
      if (length > most) throw refused(`A body has more than ${most} bytes`, "Send the change of this model");
      chunks.push(chunk);
    }
    return new Uint8Array(Buffer.concat(chunks));
  }

  #known(party: string): string {
    if (this.#joined.has(party)) return party;
    throw refused(`${JSON.stringify(party)} has not joined`, "Join the run first");
  }

  async #join({ party, tokens, ...its }: Joining): Promise<object> {
    if (this.#over) return {};
    if (its.sources !== sources)
      throw new SviError("E_VERSION", `The run is of svi-lm ${packageVersion} with kernels ${sources}`, {
        value: its.version,
        remedy: `Install svi-lm ${packageVersion} for this party`,
      });
    if (typeof party !== "string" || party === "") throw refused("A party has no name", "Give it one");
    if (tokens !== null) requireInteger("tokens", tokens, 1, Number.MAX_SAFE_INTEGER);
    // Again after a crash: it continues with what it had to do.
    if (this.#joined.has(party)) return {};
    if (this.#joined.size === this.#count) throw refused("The run has all its parties", "Begin another run");
    this.#joined.set(party, tokens);
    const missing = this.#count - this.#joined.size;
    if (missing === 0) await this.#begin();
    await this.#save();
    this.channel.push({ event: "joined", party, missing });
    return {};
  }

  /** Texts count by their tokens, or all alike where one of them keeps their number to itself. */
  async #begin(): Promise<void> {
    const parties = [...this.#joined.keys()].sort();
    const sizes = parties.map((party) => this.#joined.get(party)!);
    const alike = sizes.includes(null as never);
    const shards = parties.map((party, i) => [{ at: `party:${party}`, from: 0, to: alike ? 1 : sizes[i] }]);
    const plan = await this.#planOver(shards);
    this.#parties = parties;
    const blank = parties.map(() => ({ state: null, text: null }));
    this.#state = { round: 0, model: plan.initial, shards: blank, velocity: null, tokens: 0, nll: null };
    this.#plan = plan;
  }

  #offer(party: string): Offer {
    if (this.#over) {
      this.#left.add(party);
      return { offer: "end" };
    }
    if (!this.#plan || !this.#state || this.#results.has(party)) return { offer: "wait" };
    const { round, model } = this.#state;
    const job = { plan: "", round, shard: this.#parties.indexOf(party), model, state: null };
    return { offer: "job", plan: new TextDecoder().decode(planBytes(this.#plan)), job };
  }

  /** A result that comes twice counts once; one of another round is of no use. */
  async #take(sent: Sent, bytes: Uint8Array): Promise<object> {
    const party = this.#known(sent.party);
    const state = this.#state;
    if (!state || this.#over || sent.round !== state.round || this.#results.has(party)) return {};
    this.#requireChange(bytes);
    const change = await this.#ledger.blobs.put(bytes);
    if (this.#state !== state || this.#results.has(party)) return {};
    this.#results.set(party, { ...sent, change });
    if (this.#results.size === this.#count) await this.#merge(state);
    else await this.#save();
    return {};
  }

  #requireChange(bytes: Uint8Array): void {
    const { length } = this.#options.model.posterior.layout;
    const { precision, weighted } = changeFromBytes(bytes);
    const whole = (values: Float32Array | undefined) =>
      values?.length === length && values.every(Number.isFinite);
    if (!whole(precision) || !whole(weighted))
      throw refused("The change is not one of this model", "Send what federatedWorker computes");
  }

  async #merge(state: RoundState): Promise<void> {
    const plan = this.#plan!;
    const results = this.#parties.map((party) => this.#results.get(party)!);
    const { blobs } = this.#ledger;
    const moved = await new Merger(plan, blobs, jsonTokenizer).merged(state, results);
    const nll = meanOf(results);
    if (this.#over) return;
    this.#state = { ...state, ...moved, round: state.round + 1, nll };
    this.#results = new Map();
    await this.#save();
    await blobs.remove([state.model, ...results.map(({ change }) => change)]);
    if (state.velocity) await blobs.remove([state.velocity]);
    this.channel.push({ event: "round", round: state.round + 1, rounds: plan.rounds, nll });
    if (state.round + 1 === plan.rounds) await this.end("done");
  }

  async end(event: "done" | "stopped"): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    const state = this.#state;
    const bytes = state ? await this.#ledger.blobs.get(state.model) : this.#options.model.toBytes();
    const model = await LanguageModel.load(bytes, { json: jsonTokenizer });
    this.channel.push({ event, rounds: state?.round ?? 0, nll: state?.nll ?? null, model });
    this.channel.end();
  }

  /** What is still under way changes nothing any more: the folder may be another server's by now. */
  leave(): void {
    this.#over = true;
  }

  /** Until all parties have heard that it is over, or some time has passed. */
  async farewell(signal?: AbortSignal): Promise<void> {
    const until = performance.now() + FAREWELL_MILLISECONDS;
    while (!signal?.aborted && this.#left.size < this.#joined.size && performance.now() < until)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function meanOf(results: readonly Sent[]): number | null {
  let [sum, tokens] = [0, 0];
  for (const result of results) {
    if (result.nll === null || result.tokens === null) return null;
    sum += result.tokens * result.nll;
    tokens += result.tokens;
  }
  return sum / tokens;
}

function parsed<T>(text: string): T {
  try {
    const value = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value;
  } catch {}
  throw refused("A request is not JSON", "Ask with federatedWorker of this version");
}

function refused(problem: string, remedy: string): SviError {
  return new SviError("E_SERVER", problem, { value: null, remedy });
}
