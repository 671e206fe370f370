// The edge example under many requests in workerd, and a long run of training: answers must be right, memory flat.
//   npm run build && npm run load -- --requests 2000        bounded: it stops by itself.
//   npm run load -- --requests 100000 --steps 100000 --minutes 240 --json
//   npm run load -- --only score,aborted      requests of these kinds alone, to find out which one holds memory
//   npm run load -- --no-control              without the control: a second workerd that is sent as many requests of
//                                             the kinds nothing and stores, which ask no model
//   npm run load -- --heap 32                 V8's heap in workerd has at most so many MiB; 0, the default, is V8's choice
// Needs what `npm run bundlers -- edge` installs. Everything stays on this machine's loopback.
import { channel } from "node:diagnostics_channel";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "2000" },
    steps: { type: "string", default: "2000" },
    models: { type: "string", default: "200" },
    minutes: { type: "string", default: "30" },
    only: { type: "string", default: "score,complete,suggest,train,aborted" },
    heap: { type: "string", default: "0" },
    "no-control": { type: "boolean", default: false },
    trace: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const [REQUESTS, STEPS, MODELS, MINUTES, HEAP] = [
  values.requests,
  values.steps,
  values.models,
  values.minutes,
  values.heap,
].map(Number);
const KINDS = values.only.split(",");
const TOOLS = resolve("build/bundlers/tools/package.json");
/** A folder for each run: several may measure at once. */
const OUT = resolve("build/load", String(process.pid));
const AT_ONCE = 4;
const CLOSED = new Set(["ECONNRESET", "UND_ERR_SOCKET"]);
/**
 * A JavaScript object of workerd's stands for far more memory than V8 counts, which therefore collects late: with a
 * small heap sooner.
 */
if (HEAP > 0)
  process.env.MINIFLARE_WORKERD_V8_FLAGS = [process.env.MINIFLARE_WORKERD_V8_FLAGS, `--max-heap-size=${HEAP}`]
    .filter(Boolean)
    .join(" ");
const SAMPLES = 200;
const TEXTS = Array.from({ length: 16 }, (_, i) => `Call me Ishmael, said number ${i} of the crew.`);
const TRAINED = "Some years ago, never mind how long precisely, I thought I would sail. ".repeat(30);
const VARS = { STEPS: 2, EPOCHS: 2, BATCH: 8, SEQUENCE: 32, LEARNING_RATE: 3, MOST_BYTES: 8192 };
const until = performance.now() + MINUTES * 60_000;
const { byteTokenizer, Corpus, fit, ivon, LanguageModel } = await import(resolve("dist/index.js"));

/** Least squares over the second half, with a 95 % interval from the means of ten blocks, which are nearly independent. */
function slopeOf(points) {
  const half = points.slice(Math.floor(points.length / 2));
  const size = Math.max(1, Math.floor(half.length / 10));
  const blocks = [];
  for (let i = 0; i + size <= half.length; i += size) {
    const block = half.slice(i, i + size);
    blocks.push([0, 1].map((k) => block.reduce((sum, point) => sum + point[k], 0) / size));
  }
  const n = blocks.length;
  if (n < 4) return null;
  const [x, y] = [0, 1].map((k) => blocks.reduce((sum, block) => sum + block[k], 0) / n);
  const sxx = blocks.reduce((sum, block) => sum + (block[0] - x) ** 2, 0);
  const slope = blocks.reduce((sum, block) => sum + (block[0] - x) * (block[1] - y), 0) / sxx;
  const rest = blocks.reduce((sum, block) => sum + (block[1] - y - slope * (block[0] - x)) ** 2, 0);
  // Student's t at 97.5 % for n − 2 degrees of freedom, 2 to 9 of them.
  const t = [4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262][Math.min(n - 4, 7)];
  const half95 = t * Math.sqrt(rest / (n - 2) / sxx);
  return { slope, low: slope - half95, high: slope + half95 };
}

/** The example, and a request that uses the stores as it does, without svi-lm. */
const WITH_STORES = `
  import edge from "./examples/edge/src/index.js";
  async function stores({ MODELS, SESSIONS }) {
    const key = crypto.randomUUID();
    const bytes = await (await MODELS.get("model.safetensors")).arrayBuffer();
    await MODELS.put(key, bytes);
    await SESSIONS.put(key, bytes.slice(0, 1000), { expirationTtl: 3600, metadata: { key } });
    const { value } = await SESSIONS.getWithMetadata(key, "arrayBuffer");
    await SESSIONS.delete(key);
    await MODELS.delete(key);
    return new Response(String(value.byteLength));
  }
  export default {
    fetch: (request, env) => (new URL(request.url).pathname === "/stores" ? stores(env) : edge.fetch(request, env)),
  };
`;

async function bundleEdge() {
  if (!existsSync(TOOLS)) throw new Error("Run npm run bundlers -- edge first: it installs workerd");
  mkdirSync(OUT, { recursive: true });
  await build({
    stdin: { contents: WITH_STORES, resolveDir: process.cwd() },
    outfile: join(OUT, "index.js"),
    bundle: true,
    format: "esm",
    conditions: ["workerd"],
    alias: { "svi-lm": resolve("dist/workerd.js") },
    external: ["*.wasm"],
    logLevel: "error",
  });
  const contents = readFileSync(join(OUT, "index.js"));
  const path = /from "(.*\.wasm)"/.exec(String(contents))[1].replace(/^\.\//, "");
  return [
    { type: "ESModule", path: "index.js", contents },
    { type: "CompiledWasm", path, contents: readFileSync("dist/kernels/generated/simd.wasm") },
  ];
}

/** The process that was started last: miniflare tells of its output right after. */
let spawned;
channel("child_process").subscribe(({ process: child }) => {
  spawned = child;
});

/** workerd with the example and its stores. Where it ends by itself miniflare starts it again, as an edge host does. */
class Edge {
  /** How often workerd was started, and what it left behind where it ended by itself. */
  started = 0;
  ends = [];
  /** Of each workerd: how many requests were begun, and its resident bytes. */
  memories = [];
  #child;
  #disposed = false;

  static async start(modules, model) {
    const edge = new Edge();
    const { Miniflare } = createRequire(TOOLS)("miniflare");
    edge.miniflare = new Miniflare({
      modules,
      compatibilityDate: "2026-01-01",
      bindings: VARS,
      r2Buckets: ["MODELS"],
      kvNamespaces: ["SESSIONS"],
      // Neither a log of requests nor a Worker of miniflare's before the example: what is measured is the example.
      logRequests: false,
      unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
      handleRuntimeStdio: (...output) => edge.#watch(spawned, ...output),
      unsafeHandleRuntimeRestart: () => edge.#ready(),
    });
    await edge.miniflare.ready;
    await edge.#ready();
    await (await edge.bucket()).put("model.safetensors", model.toBytes());
    return edge;
  }

  bucket = () => this.miniflare.getR2Bucket("MODELS");
  sessions = () => this.miniflare.getKVNamespace("SESSIONS");

  #watch(child, stdout, stderr) {
    const memory = [];
    const said = [];
    this.#child = child;
    this.memories.push(memory);
    stdout.on("data", (data) => values.trace && process.stderr.write(data));
    stderr.on("data", (data) => {
      const lines = String(data).split("\n");
      said.push(
        ...lines.filter((line) => line && !line.startsWith("stack:")).map((line) => line.slice(0, 200)),
      );
      said.splice(0, said.length - 5);
    });
    child.once("close", (code, signal) => {
      if (this.#disposed) return;
      this.ends.push({ requests: memory.at(-1)?.[0], code, signal, stderr: said });
      if (values.trace) process.stderr.write(`workerd ended: ${JSON.stringify(this.ends.at(-1))}\n`);
    });
  }

  async #ready() {
    this.address = await this.miniflare.unsafeGetDirectURL();
    this.started++;
  }

  /** Whether workerd has been started again since it was `generation`: half a minute is waited for that. */
  async recovers(generation) {
    for (let i = 0; i < 300 && this.started === generation; i++)
      await new Promise((resolve) => setTimeout(resolve, 100));
    return this.started > generation;
  }

  /** workerd closes a connection whose request was ended unread, and the next one may meet that. */
  post = async (path, body, init) => {
    const request = () => fetch(new URL(path, this.address), { method: "POST", body, ...init });
    return request().catch((error) => (CLOSED.has(error.cause?.code) ? request() : Promise.reject(error)));
  };

  measure(requests) {
    const status = `/proc/${this.#child.pid}/status`;
    if (!existsSync(status)) return;
    const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(status, "utf8"))?.[1]);
    if (kilobytes > 0) this.memories.at(-1).push([requests, 1024 * kilobytes]);
  }

  /** Of the workerd that lived longest. */
  get memory() {
    return this.memories.reduce((best, memory) => (memory.length > best.length ? memory : best));
  }

  dispose() {
    this.#disposed = true;
    return this.miniflare.dispose();
  }
}

/** What each request must answer, from Node. */
async function expectations(model) {
  const scores = [];
  const completions = [];
  const suggestions = [];
  for (const [seed, prompt] of TEXTS.entries()) {
    scores.push((await model.score(prompt)).logProbability);
    let text = "";
    for await (const piece of model.generate({ prompt, tokens: 8, seed })) text += piece.text;
    completions.push(text);
    const session = await model.session();
    await session.read(prompt);
    const { tokens } = session.top(3);
    const words = await session.complete({ count: 3, effort: 64 }).catch(() => []);
    suggestions.push(JSON.stringify({ word: session.word, words, tokens, learnt: 0 }));
    session.dispose();
  }
  const copy = await LanguageModel.load(model.toBytes());
  const corpus = await Corpus.open(TRAINED, { tokenizer: copy.tokenizer });
  const losses = new Map();
  for await (const { step, nll } of fit(copy, corpus, {
    inference: ivon({ learningRate: VARS.LEARNING_RATE }),
    epochs: VARS.EPOCHS,
    batch: VARS.BATCH,
    sequence: VARS.SEQUENCE,
    seed: 1,
  }))
    losses.set(step, nll);
  return { scores, completions, suggestions, losses };
}

async function load() {
  const model = await LanguageModel.create({ tokenizer: byteTokenizer(), embedding: 16, hidden: 32 });
  const { scores, completions, suggestions, losses } = await expectations(model);
  const modules = await bundleEdge();
  const edge = await Edge.start(modules, model);
  const control = values["no-control"] ? undefined : await Edge.start(modules, model);
  const counts = {
    nothing: 0,
    stores: 0,
    score: 0,
    complete: 0,
    suggest: 0,
    train: 0,
    aborted: 0,
    busy: 0,
    wrong: 0,
    /** Ended with workerd, and sent again to the next one. */
    lost: 0,
  };
  const wrong = [];
  let begun = 0;
  const judge = (right, what) => {
    if (right) return;
    counts.wrong++;
    if (wrong.length < 5) wrong.push(what);
  };
  const requests = {
    async nothing(_, { post }) {
      const { status } = await post("nothing", "");
      judge(status === 404, `nothing ${status}`);
    },
    async stores(_, { post }) {
      const size = await (await post("stores", "")).text();
      judge(size === "1000", `stores ${size}`);
    },
    async score(i, { post }) {
      const { logProbability } = await (await post("score", TEXTS[i % 16])).json();
      judge(logProbability === scores[i % 16], `score ${logProbability}`);
    },
    async complete(i, { post }) {
      const body = JSON.stringify({ prompt: TEXTS[i % 16], tokens: 8, seed: i % 16 });
      const text = await (await post("complete", body)).text();
      judge(text === completions[i % 16], `complete ${text}`);
    },
    async suggest(i, { post }, again) {
      const session = `somebody ${i}`;
      const forget = () => post("suggest", JSON.stringify({ session }), { method: "DELETE" });
      // workerd may have ended after it kept the session and before it answered.
      if (again) await (await forget()).text();
      const asked = JSON.stringify({ session, text: TEXTS[i % 16], count: 3 });
      const answer = await (await post("suggest", asked)).text();
      judge(answer === suggestions[i % 16], `suggest ${answer}`);
      const forgotten = await forget();
      judge(forgotten.ok, await forgotten.text());
    },
    async train(_, { post }) {
      const response = await post("train", TRAINED);
      const { step, steps, nll, error } = await response.json();
      if (response.status === 409) {
        counts.busy++;
        return;
      }
      judge(!error && losses.get(step) === nll, `train ${step} ${nll} ${error?.message}`);
      // Given up before its end: the model stays the one that all answers are known of.
      if (step >= steps / 2) await (await post("train", undefined, { method: "DELETE" })).text();
    },
    async aborted(i, { post }) {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), i % 12);
      const body = JSON.stringify({ prompt: TEXTS[i % 16], tokens: 400 });
      await post("complete", body, { signal: controller.signal })
        .then((response) => response.text())
        .catch((error) => (error.name === "AbortError" ? undefined : Promise.reject(error)));
    },
  };
  const mixed = (i) => {
    if (i % 20 === 7) return "train";
    if (i % 20 === 13) return "aborted";
    return ["score", "suggest", "complete", "score"][i % 4];
  };
  const kindOf = (i) => (KINDS.includes(mixed(i)) ? mixed(i) : KINDS[i % KINDS.length]);
  /** A request, again where workerd ended meanwhile; thrice at most. */
  const send = async (kind, i, to, again = 0) => {
    const generation = to.started;
    try {
      await requests[kind](i, to, again > 0);
    } catch (error) {
      if (again < 2 && (await to.recovers(generation))) {
        counts.lost++;
        return send(kind, i, to, again + 1);
      }
      judge(false, `${kind}: ${error.cause ?? error}`);
    }
  };
  const worker = async () => {
    while (begun < REQUESTS && performance.now() < until) {
      const i = begun++;
      const kind = kindOf(i);
      counts[kind]++;
      await send(kind, i, edge);
      if (control) await send(["nothing", "stores"][i % 2], i, control);
      if (i % Math.ceil(REQUESTS / SAMPLES) > 0) continue;
      for (const one of [edge, control]) one?.measure(i);
      if (values.trace) trace(i, [edge, control]);
    }
  };
  const nothingLeft = async () => {
    await (await edge.post("train", undefined, { method: "DELETE" })).text();
    const left = (await (await edge.bucket()).list({ prefix: "training/" })).objects.length;
    judge(left === 0, `${left} objects are left of a run that was given up`);
    const sessions = (await (await edge.sessions()).list()).keys.length;
    judge(sessions === 0, `${sessions} sessions are left of those that were forgotten`);
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    await nothingLeft();
  } finally {
    await edge.dispose();
    await control?.dispose();
  }
  return {
    requests: begun,
    ...counts,
    examples: wrong,
    ends: edge.ends,
    endsOfControl: control?.ends,
    residentBytes: edge.memory.at(-1)?.[1],
    bytesPerRequest: slopeOf(edge.memory),
    ofControl: control && slopeOf(control.memory),
    // A young workerd grows faster than an old one: after a restart the two cannot be compared.
    aboveControl:
      !control || edge.ends.length + control.ends.length > 0
        ? null
        : slopeOf(above(edge.memory, control.memory)),
  };
}

/** The first series less the second, where both were measured. */
function above(memory, control) {
  const other = new Map(control);
  return memory.filter(([i]) => other.has(i)).map(([i, bytes]) => [i, bytes - other.get(i)]);
}

function trace(i, edges) {
  const bytes = edges.filter(Boolean).map((edge) => edge.memories.at(-1).at(-1)?.[1]);
  process.stderr.write(
    `${Math.round(performance.now() / 1000)} s, ${i} requests, ${bytes.join(" and ")} bytes\n`,
  );
}

async function longRun() {
  const model = await LanguageModel.create({ tokenizer: byteTokenizer(), embedding: 8, hidden: 16 });
  const corpus = await Corpus.open(TRAINED, { tokenizer: model.tokenizer });
  const memory = [];
  let steps = 0;
  // A run of many epochs: two windows each.
  for await (const { step } of fit(model, corpus, {
    epochs: STEPS,
    batch: 16,
    sequence: 32,
    inference: ivon(),
  })) {
    steps = step;
    if (step % Math.ceil(STEPS / SAMPLES) === 0) memory.push([step, process.memoryUsage.rss()]);
    if (step === STEPS || performance.now() > until) break;
  }
  return { steps, bytesPerStep: slopeOf(memory) };
}

async function manyModels() {
  const memory = [];
  const tokenizer = byteTokenizer();
  let models = 0;
  for (; models < MODELS && performance.now() < until; models++) {
    const model = await LanguageModel.create({ tokenizer, embedding: 16, hidden: 32, seed: models });
    await model.score("Call me");
    model.dispose();
    memory.push([models, process.memoryUsage.rss()]);
  }
  return { models, bytesPerModel: slopeOf(memory) };
}

/** Modules that are loaded again and again, as a page that hot-reloads does; what each holds must not stay active. */
async function reloads() {
  const before = process.getActiveResourcesInfo().length;
  for (let i = 0; i < 100 && performance.now() < until; i++) {
    const { byteTokenizer, LanguageModel } = await import(`${resolve("dist/index.js")}?reload=${i}`);
    const model = await LanguageModel.create({ tokenizer: byteTokenizer(), embedding: 4, hidden: 4 });
    await model.score("Call");
    model.dispose();
  }
  const { connect } = await import(resolve("dist/worker/node.js"));
  for (let i = 0; i < 20 && performance.now() < until; i++) (await connect()).terminate();
  await new Promise((resolve) => setTimeout(resolve, 200));
  return { active: process.getActiveResourcesInfo().length - before };
}

const flat = (slope) => slope == null || slope.low <= 0;
const edge = await load();
const training = await longRun();
const created = await manyModels();
const reloaded = await reloads();
const ok =
  edge.wrong === 0 &&
  edge.ends.length === 0 &&
  flat(edge.bytesPerRequest) &&
  flat(training.bytesPerStep) &&
  flat(created.bytesPerModel) &&
  reloaded.active <= 0;
const result = { edge, training, created, reloaded, ok };
if (values.json) console.log(JSON.stringify(result));
else console.dir(result, { depth: 5 });
process.exit(ok ? 0 : 1);
