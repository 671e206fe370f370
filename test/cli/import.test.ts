/** `svi-lm import`: a model of PyTorch's from the command line. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { byteTokenizer, importModel, LanguageModel } from "../../src/entries/index.ts";
import { byteLevel } from "../text/tokenizer-json.ts";
import { commandLine, objects } from "./support.ts";

const cli = commandLine("import");
const bytes = readFileSync(new URL("../oracle/dumps/pytorch.safetensors", import.meta.url));
const file = cli.write("whale.safetensors", bytes);
const out = cli.file("whale.svi");

it("writes the model that importModel makes, with byte or a tokenizer's description", async () => {
  const expected = await importModel(bytes, { tokenizer: byteTokenizer() });
  const described = cli.write("byte.json", JSON.stringify(byteTokenizer().describe()));
  for (const tokenizer of ["byte", described]) {
    const names = ["--names", "embedding=encoder,output=decoder"];
    const plain = await cli.run("import", file, "--tokenizer", tokenizer, "--out", out, ...names);
    expect(plain).toMatchObject({ code: 0, out: "" });
    expect(plain.err).toBe(`${out}: 8,288 parameters, 2 × 14 lstm\n`);
    const model = await LanguageModel.load(readFileSync(out));
    expect(model.hash()).toBe(expected.hash());
    expect(model.tokenizer.kind).toBe("byte");
  }
  const { code, out: printed } = await cli.run("import", file, "--tokenizer", "byte", "--out", out, "--json");
  expect(code).toBe(0);
  expect(objects(printed)).toEqual([
    {
      event: "done",
      path: out,
      parameters: 8288,
      configuration: expected.configuration,
      hash: expected.hash(),
    },
  ]);
});

it.each<[string, number, string, RegExp]>([
  ["no tokenizer", 2, "", /--tokenizer is missing/],
  ["a part that there is not", 2, "--tokenizer byte --names lstm=rnn", /--names.*recurrent/],
  ["names without values", 2, "--tokenizer byte --names embedding", /--names/],
  ["another name", 1, "--tokenizer byte --names output=head", /E_FORMAT.*decoder\.weight/],
  [
    "a tokenizer of another size",
    1,
    `--tokenizer ${cli.write("bpe.json", JSON.stringify(byteLevel()))}`,
    /E_VOCABULARY_MISMATCH.*encoder\.weight.*256 ids/,
  ],
  [
    "a tokenizer that is none",
    1,
    `--tokenizer ${cli.write("none.json", "no JSON")}`,
    /E_TOKENIZER.*none\.json/,
  ],
])("%s ends with what is wrong", async (_, code, options, message) => {
  const words = options.split(" ").filter(Boolean);
  const result = await cli.run("import", file, "--out", cli.file("other.svi"), ...words);
  expect(result.err).toMatch(message);
  expect(result).toMatchObject({ code, out: "" });
});
