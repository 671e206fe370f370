import { mkdirSync, writeFileSync } from "node:fs";
import { TextDecoder as Decoder, TextEncoder as Encoder } from "node:util";

// jsdom has neither.
globalThis.TextEncoder ??= Encoder;
globalThis.TextDecoder ??= Decoder;

test("a page that is simulated gives what Node gives, and takes bytes of another realm", async () => {
  const { Corpus } = await import("svi-lm");
  const { job } = await import("./job.js");
  const bytes = new Encoder().encode("the sea");
  for (const source of [bytes, bytes.buffer, new DataView(bytes.buffer)])
    expect((await Corpus.open(source, { tokenizer: "character" })).tokens).toBe(7);
  mkdirSync("dist", { recursive: true });
  writeFileSync("dist/result.json", JSON.stringify(await job()));
});
