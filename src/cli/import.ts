/** @module `svi-lm import`: a model of PyTorch's becomes one of svi-lm's. */
import { hashOf } from "../distributed/modelHash.ts";
import { SviError } from "../errors.ts";
import { importModel, type PartNames } from "../importModel.ts";
import { jsonTokenizer } from "../text/json.ts";
import { byteTokenizer, tokenizerFromDescription } from "../text/tokenizer.ts";
import type { Tokenizer } from "../text/types.ts";
import { command } from "./command.ts";
import { naming, reading, requireWritable } from "./files.ts";
import { readInput, readText } from "./inputs.ts";
import { count, note, printJson } from "./print.ts";
import { keepModel } from "./save.ts";
import { UsageError } from "./usage.ts";

const PARTS = ["embedding", "recurrent", "projection", "output"];

export const importCommand = command({
  name: "import",
  summary: "make a model of the weights that PyTorch trained, from a safetensors file",
  example: "svi-lm import whale.safetensors --tokenizer tokenizer.json --out whale.svi",
  words: ["file"],
  options: {
    out: { kind: "path", use: "write", value: "M", help: "the model file to write" },
    tokenizer: {
      kind: "path",
      use: "read",
      value: "byte|F",
      words: ["byte"],
      help: "that of the weights: byte, or the path of a tokenizer.json or of a tokenizer's description",
    },
    names: {
      kind: "text",
      value: "LIST",
      help: "what unusual modules are called: embedding=wte,recurrent=core,projection=p,output=logits",
    },
  },
  async run({ words: [path], options: { out, tokenizer, names }, json, interruption: { signal } }) {
    if (out === undefined) throw new UsageError("--out is missing");
    if (tokenizer === undefined) throw new UsageError("--tokenizer is missing: it is not in the file");
    const parts = namesOf(names);
    await requireWritable(out);
    const own = tokenizer === "byte" ? byteTokenizer() : await describedTokenizer(tokenizer, signal);
    const bytes = await readInput(path, signal);
    const importing = () => importModel(bytes, { tokenizer: own, names: parts, signal });
    const model = await reading(path, bytes, importing, "weights");
    const { path: kept, problem } = await keepModel(model, out);
    const { configuration, parameters } = model;
    if (json)
      printJson({
        event: "done",
        path: kept,
        parameters,
        configuration,
        hash: await hashOf(model.posterior),
      });
    else
      note(
        `${kept}: ${count(parameters)} parameters, ${configuration.layers} × ${configuration.hidden} ${configuration.cell}`,
      );
    if (problem) throw problem;
    return 0;
  },
});

/** @throws UsageError */
function namesOf(list: string | undefined): PartNames | undefined {
  if (list === undefined) return undefined;
  const pairs = list.split(",").map((pair) => pair.split("="));
  for (const [part, ...name] of pairs)
    if (!PARTS.includes(part) || name.length !== 1)
      throw new UsageError(`--names is ${JSON.stringify(list)}; give PART=NAME,… with ${PARTS.join(", ")}`);
  return Object.fromEntries(pairs);
}

/** @throws SviError `E_TOKENIZER` for what is neither a tokenizer.json nor what `describe()` returned */
async function describedTokenizer(path: string, signal: AbortSignal): Promise<Tokenizer> {
  const text = await readText(path, signal);
  return naming(path, async () => {
    const parsed = parse(text);
    const own = typeof parsed === "object" && parsed !== null && "kind" in parsed;
    return own ? tokenizerFromDescription(parsed, { json: jsonTokenizer }) : jsonTokenizer(text);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SviError("E_TOKENIZER", "The file is not JSON", {
      value: text.slice(0, 80),
      remedy: "Give a tokenizer.json, or what describe() of a tokenizer returned, as JSON",
      cause,
    });
  }
}
