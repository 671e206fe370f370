/** @module Memory that cannot be had, at every allocation: an `E_MEMORY` each time, and the model as it was. */
import { byteTokenizer, Corpus, evaluate, fit, LanguageModel, SviError } from "../../src/entries/index.ts";
import type { Campaign, Outcome } from "./campaign.ts";

const TEXT = "the whale and the sea and the ship ".repeat(40);

/** @returns at how many allocations memory was refused and all came out right */
export async function refusedMemory(campaign: Campaign): Promise<Outcome> {
  const tokenizer = byteTokenizer();
  const corpus = await Corpus.open(TEXT, { tokenizer });
  const options = { batch: 4, sequence: 8, epochs: 0.1 };
  const trained = await LanguageModel.create({ tokenizer, embedding: 8, hidden: 16 });
  for await (const _ of fit(trained, corpus, options));
  let [made, right] = [0, 0];
  const works: Record<string, () => Promise<unknown>> = {
    create: () => LanguageModel.create({ tokenizer, embedding: 8, hidden: 16 }),
    fit: () => fit(trained, corpus, options).next(),
    evaluate: () => evaluate(trained, corpus, { samples: 2 }),
    score: () => trained.score(TEXT, { samples: 2 }),
    generate: () => trained.generate({ tokens: 3 }).next(),
  };
  for (const [name, work] of Object.entries(works))
    for (let refused = 0; ; refused++) {
      const before = trained.hash();
      const { error, asked } = await refusing(refused, work);
      if (asked <= refused) break;
      made++;
      const told = error instanceof SviError && error.code === "E_MEMORY";
      const unchanged = trained.hash() === before;
      const what = `${name} without allocation ${refused}`;
      if (campaign.expect(what, told && unchanged, String(error))) right++;
    }
  campaign.say(`allocations refused and told: ${right} of ${made}`);
  return { made, right };
}

/** Does the work with one growth of a memory, by its number, refused. */
async function refusing(
  which: number,
  work: () => Promise<unknown>,
): Promise<{ error: unknown; asked: number }> {
  const { grow } = WebAssembly.Memory.prototype;
  let asked = 0;
  WebAssembly.Memory.prototype.grow = function (this: WebAssembly.Memory, pages: number) {
    if (asked++ === which) throw new RangeError("WebAssembly.Memory.grow(): Unable to grow instance memory");
    return grow.call(this, pages);
  };
  try {
    await work();
    return { error: null, asked };
  } catch (error) {
    return { error, asked };
  } finally {
    WebAssembly.Memory.prototype.grow = grow;
  }
}
