/** The edge example in Node, over stores in memory: sessions that learn, between requests and after changes of the model. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { byteTokenizer, Corpus, fit, ivon, LanguageModel, learner } from "../../src/entries/index.ts";
import { sentences } from "../training/support.ts";

vi.setConfig({ testTimeout: 60_000 });

interface Example {
  fetch(request: Request, env: unknown): Promise<Response>;
}

const BUNDLE = "build/test-edge/index.mjs";
const MODEL = "model.safetensors";
const TEXT = sentences(20, 7);
let model: LanguageModel;
beforeAll(async () => {
  await build({
    entryPoints: ["examples/edge/src/index.js"],
    outfile: BUNDLE,
    bundle: true,
    format: "esm",
    alias: { "svi-lm": resolve("src/entries/index.ts") },
    logLevel: "error",
  });
  model = await LanguageModel.create({ tokenizer: byteTokenizer(), embedding: 6, hidden: 12 });
  const corpus = await Corpus.open(sentences(60), { tokenizer: model.tokenizer });
  const run = { batch: 4, sequence: 16, epochs: 2, inference: ivon({ learningRate: 5, probe: 5 }) };
  for await (const _ of fit(model, corpus, run));
}, 60_000);

/** A bucket and a key-value store, as far as the example uses them. */
function stores() {
  const files = new Map<string, { bytes: Uint8Array; etag: string }>();
  const entries = new Map<string, { value: ArrayBuffer; metadata: unknown }>();
  let versions = 0;
  const file = (key: string) => {
    const found = files.get(key);
    if (!found) return null;
    const { bytes, etag } = found;
    return { etag, body: new Response(bytes.slice()).body, arrayBuffer: async () => bytes.slice().buffer };
  };
  return {
    files,
    entries,
    env: {
      MOST_BYTES: 8192,
      MODELS: {
        get: async (key: string) => file(key),
        head: async (key: string) => file(key),
        put: async (key: string, bytes: Uint8Array) => {
          files.set(key, { bytes: bytes.slice(), etag: String(++versions) });
        },
        delete: async (key: string) => void files.delete(key),
      },
      SESSIONS: {
        getWithMetadata: async (key: string) => entries.get(key) ?? { value: null, metadata: null },
        put: async (key: string, bytes: Uint8Array, { metadata }: { metadata: unknown }) => {
          entries.set(key, { value: bytes.slice().buffer, metadata });
        },
        delete: async (key: string) => void entries.delete(key),
      },
    },
  };
}

let isolates = 0;
/** An isolate of its own: what it holds in its memory is its own. */
async function isolate(env: unknown) {
  const address = `${pathToFileURL(BUNDLE).href}?isolate=${++isolates}`;
  const { default: example } = (await import(/* @vite-ignore */ address)) as { default: Example };
  return async (body: unknown, method = "POST") => {
    const request = new Request("http://edge/suggest", { method, body: JSON.stringify(body) });
    const response = await example.fetch(request, env);
    return { status: response.status, ...(await response.json()) };
  };
}

async function expected(text: string, pieces: number): Promise<unknown> {
  const session = await model.session({ learner: learner() });
  let answer: unknown;
  for (let i = 0; i < pieces; i++) {
    await session.read(text.slice(20 * i, 20 * (i + 1)));
    const { tokens } = session.top(3);
    const words = await session.complete({ count: 3, effort: 64 });
    answer = { status: 200, word: session.word, words, tokens, learnt: (await session.learn()).total };
  }
  return answer;
}

describe("suggestions of the edge example", () => {
  test("are those of one session, whichever isolates answer; what was learnt is a model", async () => {
    const { env, files } = stores();
    await env.MODELS.put(MODEL, model.toBytes());
    const both = [await isolate(env), await isolate(env)];
    let answer: unknown;
    for (let i = 0; i < 9; i++)
      answer = await both[i % 4 === 3 ? 1 : 0]({
        session: "a/b",
        text: TEXT.slice(20 * i, 20 * (i + 1)),
        count: 3,
      });
    expect(answer).toEqual(await expected(TEXT, 9));
    expect(answer).toMatchObject({ learnt: 160 });
    const learnt = await LanguageModel.load(files.get("learnt/a%2Fb.safetensors")!.bytes);
    expect(learnt.hash()).not.toBe(model.hash());
  });

  test("begin anew where the model, or one of the two stores, is another; a session can be forgotten", async () => {
    const { env, files, entries } = stores();
    await env.MODELS.put(MODEL, model.toBytes());
    const ask = await isolate(env);
    for (let i = 0; i < 3; i++) await ask({ session: "me", text: TEXT.slice(20 * i, 20 * (i + 1)) });
    expect([...files.keys(), ...entries.keys()]).toEqual([MODEL, "learnt/me.safetensors", "session/me"]);
    const old = entries.get("session/me")!;
    for (let i = 3; i < 6; i++) await ask({ session: "me", text: TEXT.slice(20 * i, 20 * (i + 1)) });
    // The key-value store answers with an older entry: the session begins anew, with what it learnt.
    entries.set("session/me", old);
    expect(await ask({ session: "me", text: "the s" })).toMatchObject({ status: 200, word: "s", learnt: 96 });
    const other = await LanguageModel.load(model.toBytes());
    const corpus = await Corpus.open(TEXT, { tokenizer: other.tokenizer });
    for await (const { step } of fit(other, corpus, { batch: 2, sequence: 8 })) if (step === 2) break;
    await env.MODELS.put(MODEL, other.toBytes());
    expect(await ask({ session: "me", text: "the s" })).toMatchObject({ status: 200, word: "s", learnt: 0 });
    expect(await ask({ session: "me" }, "DELETE")).toMatchObject({ status: 200 });
    expect([...files.keys(), ...entries.keys()].filter((key) => /\bme\b/.test(key))).toEqual([]);
  });

  test("refuse what is not a session, with the reason", async () => {
    const { env } = stores();
    const ask = await isolate(env);
    expect(await ask({ session: "me" })).toMatchObject({ status: 404, error: { code: "E_FILE_MISSING" } });
    await env.MODELS.put(MODEL, model.toBytes());
    for (const body of [
      {},
      { session: "" },
      { session: 5 },
      { session: "x".repeat(101) },
      { session: "me", text: 5 },
      5,
    ])
      expect(await ask(body), JSON.stringify(body)).toMatchObject({
        status: 400,
        error: { code: "E_OPTION" },
      });
    expect(await ask({ session: "me", count: 0 })).toMatchObject({
      status: 400,
      error: { code: "E_OPTION" },
    });
  });
});
