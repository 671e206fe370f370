// The edge example under many requests in workerd, and a long run of training: answers must be right, memory flat.
//   npm run build && npm run load -- --requests 2000        bounded: it stops by itself
//   npm run load -- --requests 100000 --steps 100000 --minutes 240 --json
//   npm run load -- --only score,aborted      requests of these kinds alone, to find out which one holds memory;
//                                             the kinds nothing and stores ask no model: what workerd itself takes
// Needs what `npm run bundlers -- edge` installs. Everything stays on this machine's loopback.
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
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
    trace: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const [REQUESTS, STEPS, MODELS, MINUTES] = [values.requests, values.steps, values.models, values.minutes].map(
  Number,
);
const KINDS = values.only.split(",");
const TOOLS = resolve("build/bundlers/tools/package.json");
/** A folder for each run: several may measure at once. */
const OUT = resolve("build/load", String(process.pid));
const AT_ONCE = 4;
const CLOSED = new Set(["ECONNRESET", "UND_ERR_SOCKET"]);
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

async function startEdge(model) {
  if (!existsSync(TOOLS)) throw new Error("Run npm run bundlers -- edge first: it installs workerd");
  const { Miniflare } = createRequire(TOOLS)("miniflare");
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
  const path = /from "(.*\.wasm)"/.exec(readFileSync(`${OUT}/index.js`, "utf8"))[1];
  const edge = new Miniflare({
    modules: [
      { type: "ESModule", path: "index.js", contents: readFileSync(`${OUT}/index.js`) },
      {
        type: "CompiledWasm",
        path: path.replace(/^\.\//, ""),
        contents: readFileSync("dist/kernels/generated/simd.wasm"),
      },
    ],
    compatibilityDate: "2026-01-01",
    bindings: VARS,
    r2Buckets: ["MODELS"],
    kvNamespaces: ["SESSIONS"],
  });
  await (await edge.getR2Bucket("MODELS")).put("model.safetensors", model.toBytes());
  return { edge, address: await edge.ready };
}

/** Resident bytes of workerd now. */
function residentBytes() {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name)))
    try {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      if (/Name:\s+workerd/.test(status) && new RegExp(`PPid:\\s+${process.pid}\\b`).test(status))
        return 1024 * Number(/VmRSS:\s+(\d+)/.exec(status)[1]);
    } catch {
      // It has ended meanwhile.
    }
  return 0;
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
  const { edge, address } = await startEdge(model);
  const memory = [];
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
  };
  const wrong = [];
  let begun = 0;
  /** Whether workerd is gone: what was measured until then is still told. */
  let ended = false;
  const post = (path, body, init) => {
    const request = () => fetch(new URL(path, address), { method: "POST", body, ...init });
    // workerd closes a connection whose request was ended unread, and the next one may meet that.
    return request().catch((error) => (CLOSED.has(error.cause?.code) ? request() : Promise.reject(error)));
  };
  const judge = (right, what) => {
    if (right) return;
    counts.wrong++;
    if (wrong.length < 5) wrong.push(what);
  };
  const requests = {
    async nothing() {
      const { status } = await post("nothing", "");
      judge(status === 404, `nothing ${status}`);
    },
    async stores() {
      const size = await (await post("stores", "")).text();
      judge(size === "1000", `stores ${size}`);
    },
    async score(i) {
      const { logProbability } = await (await post("score", TEXTS[i % 16])).json();
      judge(logProbability === scores[i % 16], `score ${logProbability}`);
    },
    async complete(i) {
      const body = JSON.stringify({ prompt: TEXTS[i % 16], tokens: 8, seed: i % 16 });
      const text = await (await post("complete", body)).text();
      judge(text === completions[i % 16], `complete ${text}`);
    },
    async suggest(i) {
      const session = `somebody ${i}`;
      const asked = JSON.stringify({ session, text: TEXTS[i % 16], count: 3 });
      const answer = await (await post("suggest", asked)).text();
      judge(answer === suggestions[i % 16], `suggest ${answer}`);
      const forgotten = await post("suggest", JSON.stringify({ session }), { method: "DELETE" });
      judge(forgotten.ok, await forgotten.text());
    },
    async train() {
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
    async aborted(i) {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), i % 12);
      const body = JSON.stringify({ prompt: TEXTS[i % 16], tokens: 400 });
      await post("complete", body, { signal: controller.signal })
        .then((response) => response.text())
        .catch((error) => judge(error.name === "AbortError", String(error)));
    },
  };
  const mixed = (i) => {
    if (i % 20 === 7) return "train";
    if (i % 20 === 13) return "aborted";
    return ["score", "suggest", "complete", "score"][i % 4];
  };
  const kindOf = (i) => (KINDS.includes(mixed(i)) ? mixed(i) : KINDS[i % KINDS.length]);
  const worker = async () => {
    while (!ended && begun < REQUESTS && performance.now() < until) {
      const i = begun++;
      const kind = kindOf(i);
      counts[kind]++;
      await requests[kind](i).catch((error) => {
        ended ||= residentBytes() === 0;
        judge(false, ended ? "workerd ended by itself" : `${kind}: ${error.cause ?? error}`);
      });
      if (ended || i % Math.ceil(REQUESTS / SAMPLES) > 0) continue;
      memory.push([i, residentBytes()]);
      if (values.trace) process.stderr.write(`${i} requests, ${memory.at(-1)[1]} bytes\n`);
    }
  };
  const nothingLeft = async () => {
    await (await post("train", undefined, { method: "DELETE" })).text();
    const left = (await (await edge.getR2Bucket("MODELS")).list({ prefix: "training/" })).objects.length;
    judge(left === 0, `${left} objects are left of a run that was given up`);
    const sessions = (await (await edge.getKVNamespace("SESSIONS")).list()).keys.length;
    judge(sessions === 0, `${sessions} sessions are left of those that were forgotten`);
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    if (!ended) await nothingLeft();
  } finally {
    await edge.dispose();
  }
  return { requests: begun, ...counts, examples: wrong, bytesPerRequest: slopeOf(memory) };
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

const flat = (slope) => slope === null || slope.low <= 0;
const edge = await load();
const training = await longRun();
const created = await manyModels();
const reloaded = await reloads();
const ok =
  edge.wrong === 0 &&
  flat(edge.bytesPerRequest) &&
  flat(training.bytesPerStep) &&
  flat(created.bytesPerModel) &&
  reloaded.active <= 0;
const result = { edge, training, created, reloaded, ok };
if (values.json) console.log(JSON.stringify(result));
else console.dir(result, { depth: 5 });
process.exit(ok ? 0 : 1);
