/**
 * A language model at the edge: scores and completes text, and continues to learn from text that is posted to it.
 *
 *     POST /score      text                          → { tokens: [{ text, logProbability, entropy }], logProbability }
 *     POST /complete   { prompt, tokens, seed, … }   → text, as it is written
 *     POST /suggest    { session, text, count }      → { word, words, tokens, learnt }: what may come after a keystroke
 *     DELETE /suggest  { session }                   → forgets a session and what it learnt
 *     POST /train      text, then nothing            → { step, steps, nll, done }; again until done
 *     DELETE /train                                  → gives up the run
 *
 * The bucket holds the model, and while it is being trained the text and a checkpoint. A request trains a bounded
 * number of steps and stores the checkpoint; the next one continues to the same bits. A session of suggestions lies in
 * the key-value store between keystrokes, and learns from what is typed: what it learnt is a file in the bucket.
 */
import { Corpus, fit, ivon, LanguageModel, learner, SviError } from "svi-lm";

const MODEL = "model.safetensors";
const CHECKPOINT = "training/checkpoint.safetensors";
/** Of the 128 MiB of an isolate: the rest is for the model, the checkpoint and the text. */
const TRAINING_BYTES = 48 * 2 ** 20;
const PREDICTION_BYTES = 24 * 2 ** 20;
const LEARNING_BYTES = 32 * 2 ** 20;
const MOST_TOKENS = 500;
/** Characters of a session's name. */
const LONGEST_NAME = 100;
/** Seconds after which a session that nobody types in is forgotten. */
const SESSION_SECONDS = 3600;

const STATUS = {
  E_TEXT_EMPTY: 400,
  E_TEXT_SHORT: 400,
  E_TEXT_ENCODING: 400,
  E_UNKNOWN_SYMBOL: 400,
  E_OPTION: 400,
  E_DISPOSED: 409,
  E_BUSY: 409,
  E_CHECKPOINT: 409,
  E_MEMORY: 413,
  E_DIVERGED: 422,
};

export default {
  async fetch(request, env) {
    try {
      const { pathname } = new URL(request.url);
      const answer = routes[`${request.method} ${pathname}`];
      if (!answer) throw problem(404, "NOT_FOUND", `There is no ${request.method} ${pathname}`);
      return await answer(request, env);
    } catch (error) {
      return failure(error);
    }
  },
};

const routes = {
  "POST /score": score,
  "POST /complete": complete,
  "POST /suggest": suggest,
  "DELETE /suggest": forget,
  "POST /train": train,
  "DELETE /train": abandon,
};

async function score(request, env) {
  const text = await textOf(request, env);
  const model = await currentModel(env);
  const { tokens, logProbability } = await model.score(text, { memoryLimit: PREDICTION_BYTES });
  const rows = tokens.map(({ token, logProbability, entropy }) => ({
    text: model.tokenizer.decode([token]),
    logProbability,
    entropy,
  }));
  return Response.json({ tokens: rows, logProbability });
}

/**
 * What may come next after a keystroke. The session's place lies in the key-value store between requests; once enough
 * has been typed for a step of learning, one is made after the suggestions.
 */
async function suggest(request, env) {
  const { session: name, text = "", count = 5 } = await sessionRequest(request, env);
  const { session, model } = await sessionOf(name, env);
  await session.read(text);
  const { tokens } = session.top(count);
  const answer = { word: session.word, words: await wordsOf(session, count), tokens, learnt: 0 };
  if (learns(model)) answer.learnt = await learn(session, name, env);
  await keep(session, name, model, env);
  return Response.json(answer);
}

async function sessionRequest(request, env) {
  const asked = parse(await textOf(request, env));
  if (!env.SESSIONS) throw problem(404, "NOT_FOUND", "There is no key-value store for sessions");
  if (typeof asked.session !== "string" || !asked.session || asked.session.length > LONGEST_NAME)
    throw problem(400, "E_OPTION", `A session needs a name of at most ${LONGEST_NAME} characters`);
  return asked;
}

/** What was learnt before is the prior of learning: a model of ivon or bbb has that. */
const learns = ({ posterior }) => posterior.precision !== null;

/** @returns tokens that were learnt from so far */
async function learn(session, name, env) {
  const { steps, total } = await session.learn();
  if (steps > 0) await env.MODELS.put(learntKey(name), await session.learntBytes());
  return total;
}

const learntKey = (name) => `learnt/${encodeURIComponent(name)}.safetensors`;
const sessionKey = (name) => `session/${encodeURIComponent(name)}`;

/** The session that this isolate used last, and which entry of the store it is: one, for each has its own weights. */
let opened;

async function keep(session, name, model, env) {
  const stamp = crypto.randomUUID();
  opened = { session, name, model, stamp };
  const options = { expirationTtl: SESSION_SECONDS, metadata: { stamp } };
  await env.SESSIONS.put(sessionKey(name), session.toBytes(), options);
}

async function sessionOf(name, env) {
  const model = await currentModel(env);
  const { value, metadata } = await env.SESSIONS.getWithMetadata(sessionKey(name), "arrayBuffer");
  if (opened?.name === name && opened.model === model && opened.stamp === metadata?.stamp) return opened;
  opened?.session.dispose();
  opened = undefined;
  return { session: await openSession(name, model, value && new Uint8Array(value), env), model };
}

/** A session of a model that was trained since begins anew; so does one whose two parts do not go together. */
async function openSession(name, model, kept, env) {
  const file = learns(model) ? await env.MODELS.get(learntKey(name)) : null;
  const learnt = file ? new Uint8Array(await file.arrayBuffer()) : undefined;
  for (const [from, before] of [
    [kept ?? undefined, learnt],
    [undefined, learnt],
  ])
    try {
      return await begin(model, from, before);
    } catch (error) {
      if (!(error instanceof SviError) || error.code !== "E_MODEL") throw error;
    }
  return begin(model);
}

function begin(model, from, before) {
  const own = learns(model) ? learner({ from: before, memoryLimit: LEARNING_BYTES }) : undefined;
  return model.session({ from, learner: own, memoryLimit: PREDICTION_BYTES });
}

async function forget(request, env) {
  const { session: name } = await sessionRequest(request, env);
  if (opened?.name === name) opened = undefined;
  await env.SESSIONS.delete(sessionKey(name));
  await env.MODELS.delete(learntKey(name));
  return Response.json({ learnt: 0 });
}

async function wordsOf(session, count) {
  try {
    return await session.complete({ count, effort: 64 });
  } catch (error) {
    if (error instanceof SviError && error.code === "E_PREFIX") return [];
    throw error;
  }
}

async function complete(request, env) {
  const { prompt, tokens = 100, temperature, topP, seed } = parse(await textOf(request, env));
  if (!(tokens <= MOST_TOKENS)) throw problem(400, "E_OPTION", `At most ${MOST_TOKENS} tokens are written`);
  const model = await currentModel(env);
  const options = { prompt, tokens, temperature, topP, seed, memoryLimit: PREDICTION_BYTES };
  const pieces = model.generate(options);
  // The first piece before the answer begins: what is wrong with the request is still an error of its own then.
  let next = await pieces.next();
  const encoder = new TextEncoder();
  const body = new ReadableStream({
    async pull(controller) {
      if (next.done) return controller.close();
      controller.enqueue(encoder.encode(next.value.text));
      next = await pieces.next();
    },
    async cancel() {
      await pieces.return();
    },
  });
  return new Response(body, { headers: { "Content-Type": "text/plain; charset=utf-8" } });
}

/** One run at a time in this isolate; of other isolates' the bucket tells, by the checkpoint's version. */
let training = false;

async function train(request, env) {
  const posted = await textOf(request, env);
  if (training) throw problem(409, "E_BUSY", "A request is training now. Wait for its answer");
  training = true;
  try {
    return Response.json(await trainSlice(posted, env));
  } finally {
    training = false;
  }
}

async function trainSlice(posted, env) {
  const checkpoint = await env.MODELS.get(CHECKPOINT);
  const text = checkpoint ? await runningText(posted, checkpoint, env) : requireText(posted);
  const bytes = checkpoint && new Uint8Array(await checkpoint.arrayBuffer());
  const model = bytes ? await LanguageModel.load(bytes) : await loadModel(env);
  const corpus = await Corpus.open(text, { tokenizer: model.tokenizer });
  const every = number(env.STEPS);
  let last;
  for await (const record of fit(model, corpus, {
    ...runOptions(env),
    resume: bytes ?? undefined,
    memoryLimit: TRAINING_BYTES,
    checkpoint: { every, save: (file) => store(env, file, checkpoint, text) },
    until: ({ step }) => step % every === 0,
  }))
    last = record;
  const done = last.step === last.steps;
  if (done) await finish(model, env);
  return { step: last.step, steps: last.steps, nll: last.nll, done };
}

/** The options that decide a run's bits: the same in every request. */
function runOptions(env) {
  return {
    inference: ivon({ learningRate: number(env.LEARNING_RATE) }),
    epochs: number(env.EPOCHS),
    batch: number(env.BATCH),
    sequence: number(env.SEQUENCE),
    seed: 1,
  };
}

function requireText(posted) {
  if (posted) return posted;
  throw problem(400, "E_TEXT_EMPTY", "There is no run to continue. Post a text to begin one");
}

/** The text that the run began with: repeated with every request, or left out. */
async function runningText(posted, checkpoint, env) {
  const text = await (await env.MODELS.get(checkpoint.customMetadata.text)).text();
  if (!posted || posted === text) return text;
  throw problem(409, "E_BUSY", "A run on another text is not done. Continue it, or DELETE /train");
}

/** Only in place of the checkpoint that this request began with: another isolate may have continued from it too. */
async function store(env, file, previous, text) {
  const key = previous?.customMetadata.text ?? `training/${crypto.randomUUID()}.txt`;
  if (!previous) await env.MODELS.put(key, text);
  const onlyIf = previous ? { etagMatches: previous.etag } : { etagDoesNotMatch: "*" };
  if ((await env.MODELS.put(CHECKPOINT, file, { onlyIf, customMetadata: { text: key } })) !== null) return;
  if (!previous) await env.MODELS.delete(key);
  throw problem(409, "E_BUSY", "Another request continued this run meanwhile. Ask again");
}

async function finish(model, env) {
  await env.MODELS.put(MODEL, model.toBytes());
  await dropRun(env);
}

async function abandon(_request, env) {
  await dropRun(env);
  return Response.json({ done: false });
}

async function dropRun(env) {
  const checkpoint = await env.MODELS.head(CHECKPOINT);
  if (checkpoint) await env.MODELS.delete([CHECKPOINT, checkpoint.customMetadata.text]);
}

/** The model last used by this isolate, and which version of the bucket's it is. */
let held;

async function currentModel(env) {
  const stored = await env.MODELS.head(MODEL);
  if (held && held.etag === stored?.etag) return held.model;
  held = undefined;
  const model = await loadModel(env);
  held = { model, etag: stored.etag };
  return model;
}

async function loadModel(env) {
  const stored = await env.MODELS.get(MODEL);
  if (!stored)
    throw problem(404, "E_FILE_MISSING", `The bucket holds no ${MODEL}. Put one there that svi-lm saved`);
  return LanguageModel.load(stored.body);
}

/** The body as text, read no further than allowed. */
async function textOf(request, env) {
  const most = number(env.MOST_BYTES);
  const tooLarge = () => problem(413, "E_MEMORY", `The body may have ${most} bytes. Post less text`);
  if (Number(request.headers.get("Content-Length")) > most) throw tooLarge();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let size = 0;
  try {
    for await (const chunk of request.body ?? []) {
      size += chunk.length;
      if (size > most) throw tooLarge();
      text += decoder.decode(chunk, { stream: true });
    }
    return text + decoder.decode();
  } catch (error) {
    if (error instanceof TypeError) throw problem(400, "E_TEXT_ENCODING", "The body is not UTF-8");
    throw error;
  }
}

function parse(json) {
  try {
    return Object(JSON.parse(json || "{}"));
  } catch {
    throw problem(400, "E_OPTION", "The body is not JSON");
  }
}

/** Variables of wrangler.jsonc are numbers; those of the dashboard are text. */
function number(value) {
  return Number(value);
}

/** An error that is the request's, not the model's. */
function problem(status, code, message) {
  return Object.assign(new Error(message), { status, code });
}

function failure(error) {
  const known = error instanceof SviError || error.status !== undefined;
  if (!known) console.error(error);
  const status = error.status ?? STATUS[error.code] ?? 500;
  const { code, message } = known ? error : { code: "INTERNAL", message: "Something went wrong" };
  return Response.json({ error: { code, message } }, { status });
}
