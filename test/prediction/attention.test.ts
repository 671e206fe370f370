/** With attention too, all predictors agree: windows, tokens, rows side by side, sessions, samples, 8 bits. */

import { beforeAll, describe, expect, test, vi } from "vitest";
import {
  type AttentionForm,
  evaluate,
  ivon,
  type LanguageModel,
  type SessionOptions,
} from "../../src/entries/index.ts";
import { failure } from "../support/errors.ts";
import { corpusOf, createModel, sentences, tokenizer, train } from "../training/support.ts";

vi.setConfig({ testTimeout: 60_000 });

const newline = tokenizer.endOfLine!;
/** Longer than a window of an evaluation, which has 256 timesteps. */
const TEXT = sentences(20, 3);
/** A full stop ends the source of what is a pair to the model, and a line's end the pair. */
const PAIRS: AttentionForm = { span: 60, after: tokenizer.encode(".")[0], separator: newline };
const text = () => corpusOf(TEXT);

async function trained(attention: AttentionForm, more = {}): Promise<LanguageModel> {
  const model = await createModel({ embedding: 7, hidden: 22, attention, ...more });
  await train(model, { inference: ivon(), batch: 4, sequence: 24, epochs: 3 }, await corpusOf(sentences(60)));
  return model;
}

describe.each([
  ["of a short span", { span: 9 }, {}],
  ["of a long span, tied, two layers", { span: 40 }, { tied: true, embedding: 11, layers: 2 }],
  ["of a GRU with an adaptive softmax", { span: 12 }, { cell: "gru", softmax: "adaptive", cutoffs: [8] }],
  ["of pairs", PAIRS, {}],
] as const)("attention %s", (_name, attention, more) => {
  let model: LanguageModel;
  let scored: number;
  beforeAll(async () => {
    model = await trained(attention, more);
    scored = (await model.score(TEXT)).logProbability / (tokenizer.encode(TEXT).length - 1);
  });

  test("windows give what tokens give", async () => {
    expect((await evaluate(model, await text())).nll).toBeCloseTo(-scored, 5);
    const { nll } = await evaluate(model, await text(), { dynamic: { rate: 0, decay: 0, every: 17 } });
    expect(nll).toBeCloseTo(-scored, 5);
    const separator = newline;
    const apart = await evaluate(model, await text(), { separator });
    const quantized = await evaluate(model, await text(), { separator, quantized: "int8" });
    expect(Math.abs(quantized.nll - apart.nll)).toBeLessThan(0.01);
  });

  test("independent samples agree in windows and token by token", async () => {
    const { logProbability, tokens } = await model.score(TEXT, { samples: 3, seed: 5 });
    const { nll } = await evaluate(model, await text(), { samples: 3, seed: 5 });
    expect(nll).toBeCloseTo(-logProbability / tokens.length, 5);
  });

  test("rows side by side have the bits of one text after the other, with and without what is shared", async () => {
    const lines = TEXT.split("\n").slice(0, -1);
    for (const options of [{}, { samples: 2 }, { context: "the sky.\nthe s" }, { sharing: false }]) {
      let index = 0;
      for await (const found of model.scoreAll([...lines, "the sea sees", "the"], options)) {
        const line = [...lines, "the sea sees", "the"][index++];
        if (found.error) throw found.error;
        const { sharing: _, ...alone } = { sharing: true, ...options };
        expect(found.logProbability).toBe((await model.score(line, alone)).logProbability);
      }
      expect(index).toBe(lines.length + 2);
    }
  });

  const forms: SessionOptions[] = [{}, { samples: 2 }, { samples: 2, quantized: "int8" }];
  if (!("softmax" in more)) forms.push({ samples: 2, sampling: "flipout" });
  test.each(forms)(
    "a session, its forks and its bytes predict what a text read at once does: %o",
    async (form) => {
      const [before, after] = [TEXT.slice(0, 100), TEXT.slice(100, 170)];
      const whole = await model.session(form);
      await whole.read(before + after);
      const session = await model.session(form);
      await session.read(before);
      const fork = session.fork();
      await fork.read("the whale sees");
      const kept = await model.session({ from: session.toBytes() });
      for (const one of [session, kept]) {
        for (const symbol of after) await one.read(symbol);
        expect(one.distribution()).toEqual(whole.distribution());
      }
      expect(fork.distribution()).not.toEqual(whole.distribution());
      const { tokens } = await model.score(before + after, form);
      expect(whole.top(1).entropy).not.toBeNaN();
      const other = await model.session(form);
      await other.read((before + after).slice(0, -1));
      const { token, logProbability } = tokens.at(-1)!;
      expect(Math.log(other.distribution().probabilities[token])).toBeCloseTo(logProbability, 5);
    },
  );

  test("a cache and a generation", async () => {
    const { nll } = await evaluate(model, await text(), { cache: { lambda: 0 } });
    expect(nll).toBeCloseTo(-scored, 5);
    const pieces: string[] = [];
    for await (const { text } of model.generate({ prompt: "the ", tokens: 30, seed: 2, samples: 2 }))
      pieces.push(text);
    expect(pieces.join("").length).toBeGreaterThan(20);
  });
});

test("samples of one perturbation are those of the mean where the posterior is narrow", async () => {
  const model = await trained({ span: 9 });
  model.posterior.precision!.fill(1e12);
  const mean = await evaluate(model, await text());
  const { nll } = await evaluate(model, await text(), { samples: 3, sampling: "flipout" });
  expect(nll).toBeCloseTo(mean.nll, 4);
});

describe("a source that is longer than the span", () => {
  const long = `${"the sea sees the sea ".repeat(4)}.the`;

  test("is an error of the text that has it", async () => {
    const model = await trained(PAIRS);
    await expect(model.score(long)).rejects.toEqual(failure("E_TEXT_LONG"));
    await expect(evaluate(model, await corpusOf(long))).rejects.toEqual(failure("E_TEXT_LONG"));
    const codes: (string | null)[] = [];
    for await (const { error } of model.scoreAll(["the sea.the sea", long, "the.sea"]))
      codes.push(error ? error.code : null);
    expect(codes).toEqual([null, "E_TEXT_LONG", null]);
  });
});

test("the target of a pair depends on its own source alone, once the state has been reset", async () => {
  const model = await trained(PAIRS);
  const separator = newline;
  const scores = async (text: string) =>
    (await evaluate(model, await corpusOf(text), { separator })).nll * (text.length - 1);
  const [one, two] = ["\nthe sea sees the sky.the ship", "\nthe moon fears.the wind"];
  const both = await scores(`${one}${two}\n`);
  // What predicts the line's end between them is in none of the two alone.
  const apart = (await scores(`${one}\n`)) + (await scores(`${two}\n`));
  expect(both).toBeCloseTo(apart, 3);
});
