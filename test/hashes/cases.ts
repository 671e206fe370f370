/**
 * @module What a change of the code must not change: a few steps of every method over shapes that reach every path,
 * and what the trained models then say. The library comes from outside, so that two builds can be compared.
 */
import type * as SviLm from "../../src/entries/index.ts";
import type {
  Corpus,
  FitOptions,
  LanguageModel,
  Method,
  ModelOptions,
  Tokenizer,
} from "../../src/entries/index.ts";

export type Library = typeof SviLm;

interface Shape {
  readonly model: ModelOptions;
  readonly options: FitOptions;
  readonly steps: number;
  /** Distinct words of the text; 0 for characters. */
  readonly words: number;
}

/** Numbers that no engine computes differently: a linear congruence. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Lines of words, the rarer the longer the word's number; `count` of them at least once. */
export function textOf(count: number, length: number): string {
  const next = numbers(count + 5);
  const word = (i: number) => `${"abcdefghijklmnop"[i % 16]}${i.toString(36)}`;
  const all = Array.from({ length }, (_, i) => word(i < count ? i : Math.floor(count * next() * next())));
  return all.map((name, i) => (i % 9 === 8 ? `${name}.\n` : `${name} `)).join("");
}

const SHAPES: Record<string, Shape> = {
  "two layers, dropout, resets": {
    model: { embedding: 13, hidden: 22, layers: 2 },
    options: { batch: 5, sequence: 7, dropout: 0.2, separator: 1 },
    steps: 6,
    words: 0,
  },
  "two layers, resets": {
    model: { embedding: 8, hidden: 19, layers: 2 },
    options: { batch: 6, sequence: 9, separator: 1 },
    steps: 4,
    words: 0,
  },
  tied: {
    model: { hidden: 21, tied: true },
    options: { batch: 4, sequence: 11, averaging: 0.5 },
    steps: 6,
    words: 0,
  },
  "tied to a narrower embedding": {
    model: { embedding: 13, hidden: 21, tied: true },
    options: { batch: 4, sequence: 11 },
    steps: 6,
    words: 0,
  },
  "adaptive softmax": {
    model: { embedding: 10, hidden: 33, softmax: "adaptive", cutoffs: [40, 110] },
    options: { batch: 7, sequence: 6 },
    steps: 6,
    words: 300,
  },
  "a moving average": {
    model: { embedding: 9, hidden: 14 },
    options: { batch: 4, sequence: 8, average: { decay: 0.8 } },
    steps: 6,
    words: 0,
  },
  "more weights than a part": {
    model: { embedding: 70, hidden: 12 },
    options: { batch: 3, sequence: 5 },
    steps: 3,
    words: 8000,
  },
  "a step of the recurrence of several slices": {
    model: { embedding: 4, hidden: 1030 },
    options: { batch: 13, sequence: 3, separator: 1 },
    steps: 1,
    words: 0,
  },
};

/** Methods, each in its plain form and with what else it has. */
function methodsOf(lib: Library): Record<string, Method> {
  const { adam, bayesByBackprop, gaussianPrior, ivon, scaleMixturePrior, sgd } = lib;
  return {
    sgd: sgd({ prior: gaussianPrior(0.7) }),
    adam: adam(),
    bbb: bayesByBackprop(),
    "bbb, particles and a mixture": bayesByBackprop({
      prior: scaleMixturePrior(),
      particles: 2,
      klWarmup: 0.5,
    }),
    ivon: ivon({ probe: 2 }),
    "ivon, particles": ivon({ particles: 2, probe: 1, h0: 0.01 }),
    "ivon, without noise": ivon({ probe: 2, noise: false }),
  };
}

export interface Case {
  readonly shape: string;
  readonly method: string;
  readonly products: "float32" | "int16";
}

/** Every method over every small shape in both forms of products; over the large ones a few. */
export function casesOf(lib: Library): Case[] {
  const methods = Object.keys(methodsOf(lib));
  return Object.keys(SHAPES).flatMap((shape) =>
    (["float32", "int16"] as const).flatMap((products) =>
      methods
        .filter((method) => SHAPES[shape].steps > 3 || !method.includes(","))
        .filter((method) => SHAPES[shape].steps > 1 || method === "ivon")
        .filter((method) => !method.endsWith("without noise") || shape === "a moving average")
        .map((method) => ({ shape, method, products })),
    ),
  );
}

/** Trains one case. @returns the model, and its hash with the figures of its last step */
export async function train(lib: Library, { shape, method, products }: Case, more: FitOptions = {}) {
  const { model: sizes, options, steps, words } = SHAPES[shape];
  const text = textOf(Math.max(words, 60), Math.max(2 * words, 900));
  const tokenizer = await tokenizerOf(lib, text, words);
  const corpus = await lib.Corpus.open(text, { tokenizer });
  const model = await lib.LanguageModel.create({ ...sizes, tokenizer, seed: 3 });
  const all = { ...options, ...more, inference: methodsOf(lib)[method], products, seed: 4 };
  const windows = corpus.lanes({ batch: options.batch!, sequence: options.sequence! }).windows;
  let last = "";
  for await (const record of lib.fit(model, corpus, { ...all, epochs: steps / windows })) {
    const { nll, kl, gradientNorm, klWeight, noise, hessianRatio } = record;
    last = bits([nll, kl, gradientNorm, klWeight, noise, hessianRatio?.median ?? 0]);
  }
  return { model, corpus, found: `${model.hash().slice(0, 24)} ${last}` };
}

function tokenizerOf(lib: Library, text: string, words: number): Promise<Tokenizer> {
  return lib.learnTokenizer(text, { kind: words ? "word" : "character" });
}

/** Whether a case's model is also asked. */
export function isAsked({ shape, method, products }: Case): boolean {
  return SHAPES[shape].steps > 3 && products === "float32" && (method === "ivon" || method === "adam");
}

/** What a trained model says in every form that it can be asked in. */
export async function ask(
  lib: Library,
  model: LanguageModel,
  corpus: Corpus,
): Promise<Record<string, string>> {
  // The figures are those of a model that reads every text as one.
  model.documents = null;
  const found: Record<string, string> = {};
  const drawn = model.posterior.precision !== null;
  const flipout = drawn && model.configuration.softmax === "full";
  const forms = [
    { samples: 0 },
    { samples: 0, quantized: "int8" as const },
    ...(drawn ? [{ samples: 2 }, { samples: 2, quantized: "int8" as const }] : []),
    ...(flipout ? [{ samples: 3, sampling: "flipout" as const }] : []),
  ];
  const text = textOf(60, 40);
  for (const form of forms) {
    const { samples, ...rest } = form;
    const name = [`${samples} samples`, ...Object.values(rest)].join(", ");
    const { nll, ece, brier, entropy, mutualInformation } = await lib.evaluate(model, corpus, form);
    const { logProbability, tokens } = await model.score(text, form);
    const pieces = [];
    for await (const piece of model.generate({ tokens: 12, topP: 0.9, ...form })) pieces.push(piece);
    found[name] = [
      bits([nll, ece, brier, entropy, mutualInformation]),
      bits([logProbability, ...tokens.slice(-3).flatMap((t) => [t.entropy, t.mutualInformation])]),
      pieces.map(({ token }) => token).join(" "),
      bits(pieces.slice(-2).map(({ probability }) => probability)),
    ].join(" | ");
  }
  return found;
}

/** Numbers by the bits of their float64, folded into 32. */
function bits(values: readonly number[]): string {
  return values
    .map((value) => {
      const [low, high] = new Uint32Array(Float64Array.of(value).buffer);
      return ((low ^ Math.imul(high, 0x9e3779b1)) >>> 0).toString(16);
    })
    .join(" ");
}
