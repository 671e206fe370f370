// Drives examples/edge in workerd: every route, every error, a run over several requests, and its memory.
//   node edge.js FOLDER-WITH-THE-BUNDLE   prints one JSON object
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Miniflare } from "miniflare";
import { byteTokenizer, Corpus, fit, ivon, LanguageModel, learner } from "svi-lm";

const folder = process.argv[2];
const TEXT =
  "Call me Ishmael. Some years ago, never mind how long precisely, I thought I would sail. ".repeat(40);
const vars = { STEPS: 5, EPOCHS: 2, BATCH: 8, SEQUENCE: 32, LEARNING_RATE: 3, MOST_BYTES: 8192 };
const MODEL = "model.safetensors";

const files = readdirSync(folder).filter((name) => /\.(js|wasm)$/.test(name));
const modules = files
  .sort((a, b) => Number(b === "index.js") - Number(a === "index.js"))
  .map((name) => ({
    type: name.endsWith(".wasm") ? "CompiledWasm" : "ESModule",
    path: name,
    contents: readFileSync(join(folder, name)),
  }));
const start = () =>
  new Miniflare({
    modules,
    compatibilityDate: "2026-01-01",
    bindings: vars,
    r2Buckets: ["MODELS"],
    kvNamespaces: ["SESSIONS"],
  });
const worker = start();
const bucket = await worker.getR2Bucket("MODELS");

// Over HTTP, not dispatchFetch, which sends one request after the other.
const address = await worker.ready;
const ask = async (path, body, init = {}) => {
  const request = () => fetch(new URL(path, address), { method: "POST", body, ...init });
  // workerd closes a connection whose request it refused unread, and the next one may meet that.
  return request().catch(request);
};
const json = async (response) => ({ status: response.status, ...(await response.json()) });

async function refused(status, code, request) {
  const answer = await json(await request);
  assert.equal(answer.error?.code, code, JSON.stringify(answer));
  assert.equal(answer.status, status);
  assert.ok(answer.error.message.length > 10);
}

/** Resident bytes of workerd, at most so far. */
function residentBytes() {
  const peaks = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        const status = readFileSync(`/proc/${pid}/status`, "utf8");
        const mine = new RegExp(`PPid:\\s+${process.pid}\\b`).test(status) && /Name:\s+workerd/.test(status);
        return mine ? 1024 * Number(/VmHWM:\s+(\d+)/.exec(status)[1]) : 0;
      } catch {
        return 0;
      }
    });
  return Math.max(...peaks);
}

const options = () => ({
  inference: ivon({ learningRate: vars.LEARNING_RATE }),
  epochs: vars.EPOCHS,
  batch: vars.BATCH,
  sequence: vars.SEQUENCE,
  seed: 1,
});

async function straightRun(bytes) {
  const model = await LanguageModel.load(bytes);
  const corpus = await Corpus.open(TEXT, { tokenizer: model.tokenizer });
  for await (const _ of fit(model, corpus, options()));
  return model;
}

async function trainThrough() {
  let requests = 0;
  let last = Number.POSITIVE_INFINITY;
  for (let body = TEXT; ; body = undefined) {
    const answer = await json(await ask("/train", body));
    assert.equal(answer.status, 200, JSON.stringify(answer));
    requests++;
    assert.ok(answer.step - last <= vars.STEPS);
    last = answer.step;
    if (answer.done) return { requests, ...answer };
  }
}

/** Two sessions by turns, so that each is read from the stores again, and one by itself: Node's suggestions all. */
async function suggestThrough(model) {
  const names = ["me", "somebody/else", "me", "me"];
  const here = new Map();
  for (let i = 0; i < 12; i++) {
    const session = names[i % names.length];
    const text = TEXT.slice(11 * i, 11 * (i + 1));
    const own = here.get(session) ?? (await model.session({ learner: learner() }));
    here.set(session, own);
    await own.read(text);
    const { tokens } = own.top(3);
    const words = await own.complete({ count: 3, effort: 64 }).catch(() => []);
    const { total: learnt } = await own.learn();
    const answer = await json(await ask("/suggest", JSON.stringify({ session, text, count: 3 })));
    assert.deepEqual(answer, { status: 200, word: own.word, words, tokens, learnt });
  }
  const learnt = await bucket.get("learnt/me.safetensors");
  const mine = await here.get("me").learntBytes();
  assert.deepEqual(new Uint8Array(await learnt.arrayBuffer()), new Uint8Array(mine));
  await LanguageModel.load(mine);
  const body = JSON.stringify({ session: "me" });
  assert.equal((await json(await ask("/suggest", body, { method: "DELETE" }))).learnt, 0);
  assert.equal(await bucket.get("learnt/me.safetensors"), null);
  assert.equal((await json(await ask("/suggest", body))).learnt, 0);
}

const MiB = (bytes) => Number((bytes / 2 ** 20).toFixed(1));

/** Wasm memory that a run needs: what it says where it may have none. */
async function plannedBytes(model) {
  const corpus = await Corpus.open(TEXT, { tokenizer: model.tokenizer });
  const run = fit(model, corpus, { ...options(), memoryLimit: 1 });
  const { value } = await run.next().catch((error) => error);
  return value;
}

/** In a fresh workerd: resident before anything is loaded, and at most during one request that trains. */
async function memoryOfOneRequest(model) {
  const fresh = start();
  try {
    await (await fresh.getR2Bucket("MODELS")).put(MODEL, model);
    await fresh.dispatchFetch("http://edge/nothing").then((response) => response.text());
    const idle = residentBytes();
    await fresh.dispatchFetch("http://edge/train", { method: "POST", body: TEXT }).then((r) => r.text());
    return { idle: MiB(idle), training: MiB(residentBytes()) };
  } finally {
    await fresh.dispose();
  }
}

let done;
let file;
try {
  await refused(404, "E_FILE_MISSING", ask("/score", "Call me"));
  await refused(404, "E_FILE_MISSING", ask("/train", TEXT));
  const [embedding, hidden] = [Number(process.env.EMBEDDING ?? 64), Number(process.env.HIDDEN ?? 256)];
  const first = await LanguageModel.create({ tokenizer: byteTokenizer(), embedding, hidden });
  await bucket.put(MODEL, first.toBytes());

  // Scores are Node's, to the bit.
  const scored = await json(await ask("/score", "Call me"));
  const { logProbability, tokens } = await first.score("Call me");
  assert.equal(scored.logProbability, logProbability);
  assert.deepEqual(
    scored.tokens.map(({ entropy }) => entropy),
    tokens.map(({ entropy }) => entropy),
  );

  // A model without a posterior suggests, and does not learn.
  const suggested = await json(await ask("/suggest", JSON.stringify({ session: "early", text: "Call me" })));
  assert.equal(suggested.word, "me");
  assert.equal(suggested.learnt, 0);

  await refused(404, "NOT_FOUND", ask("/nothing", ""));
  await refused(400, "E_TEXT_SHORT", ask("/score", "C"));
  await refused(413, "E_MEMORY", ask("/score", "x".repeat(vars.MOST_BYTES + 1)));
  await refused(400, "E_TEXT_ENCODING", ask("/score", Uint8Array.of(67, 255, 254)));
  await refused(400, "E_OPTION", ask("/complete", "{"));
  await refused(400, "E_OPTION", ask("/complete", JSON.stringify({ tokens: 1e9 })));
  await refused(400, "E_OPTION", ask("/complete", JSON.stringify({ temperature: -1 })));
  await refused(400, "E_TEXT_EMPTY", ask("/train", undefined));
  await refused(400, "E_TEXT_SHORT", ask("/train", "Call me"));

  // A run over many requests is the straight one; whatever comes in between.
  const begun = await json(await ask("/train", TEXT));
  assert.deepEqual([begun.step, begun.done], [vars.STEPS, false]);
  await refused(409, "E_BUSY", ask("/train", `${TEXT}!`));
  // Which of two requests at once finds the other one training is the host's to say.
  const both = await Promise.all([ask("/train", TEXT), ask("/train", TEXT)]);
  for (const { status } of both) assert.ok(status === 200 || status === 409);
  assert.ok(both.some(({ status }) => status === 200));
  assert.equal((await bucket.list({ prefix: "training/" })).objects.length, 2);
  const { requests, steps, nll } = await trainThrough();
  assert.equal((await bucket.list({ prefix: "training/" })).objects.length, 0);
  const trained = await LanguageModel.load(new Uint8Array(await (await bucket.get(MODEL)).arrayBuffer()));
  const straight = await straightRun(first.toBytes());
  assert.equal(trained.hash(), straight.hash());

  // Completion is streamed, by the model as it is now.
  const response = await ask("/complete", JSON.stringify({ prompt: "Call me ", tokens: 20 }));
  let text = "";
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
  }
  let expected = "";
  for await (const piece of straight.generate({ prompt: "Call me ", tokens: 20 })) expected += piece.text;
  assert.equal(text, expected);

  await suggestThrough(straight);
  await refused(400, "E_OPTION", ask("/suggest", JSON.stringify({ text: "Call me" })));
  await refused(400, "E_OPTION", ask("/suggest", JSON.stringify({ session: "x".repeat(101) })));
  await refused(400, "E_OPTION", ask("/suggest", JSON.stringify({ session: "me", text: 5 })));

  // A run is given up; another text may be trained on then.
  await ask("/train", TEXT);
  await ask("/train", undefined, { method: "DELETE" });
  assert.equal((await bucket.list({ prefix: "training/" })).objects.length, 0);

  const planned = MiB(await plannedBytes(first));
  done = { hash: trained.hash(), parameters: first.parameters, requests, steps, nll, planned };
  file = first.toBytes();
} finally {
  await worker.dispose();
}
const { planned, ...result } = done;
console.log(JSON.stringify({ ...result, MiB: { planned, ...(await memoryOfOneRequest(file)) } }));
