/** What an example in a docstring may use without saying where it comes from. */
import * as svilm from "../../src/entries/index.ts";

const THINGS = `
const text = "the whale and the sea and the ship and the whale\\n".repeat(40);
const lines = ["the whale", "the sea"];
const tokenizer = await svilm.learnTokenizer(text, { kind: "character" });
const corpus = await svilm.Corpus.open(text, { tokenizer });
const model = await svilm.LanguageModel.create({ tokenizer, embedding: 8, hidden: 16 });
for await (const { step } of svilm.fit(model, corpus, { batch: 2, sequence: 16 })) if (step === 9) break;
`;

/** A module in which `text`, `lines`, `tokenizer`, `corpus`, `model` and the exports of `svi-lm` are known. */
export function withNames(code: string): string {
  const imports = code.match(/^import [^;]*;$/gm) ?? [];
  const body = code.replace(/^import [^;]*;$/gm, "");
  const taken = imports.join("\n");
  const names = Object.keys(svilm).filter((name) => !new RegExp(`\\b${name}\\b`).test(taken));
  return `import * as svilm from "svi-lm";
${taken}
const { ${names.join(", ")} } = svilm;
${THINGS}
{
${body}
}
export {};
`;
}
