// An edge function that says how words are pronounced: a POST of words gives their phonemes.
//
// The model is in an R2 bucket under MODEL; models are kept in an isolate from one request to the next.
import { LanguageModel, SviError } from "svi-lm";
import { translateAll } from "svi-lm/translation";

const MODEL = "phonemes.svi";
const MOST_BYTES = 2 ** 14;
const MOST_WORDS = 200;
/** Of the 128 MB of an isolate. */
const MEMORY = 48 * 2 ** 20;

let model = null;

export default {
  async fetch(request, { MODELS }) {
    try {
      if (request.method !== "POST") return refuse(405, "Post words, with blanks between them");
      const words = wordsOf(await request.text());
      if (typeof words === "string") return refuse(400, words);
      model ??= MODELS.get(MODEL).then(load);
      return Response.json({ words: await pronounced(await model, words) });
    } catch (error) {
      model = null;
      if (!(error instanceof SviError)) throw error;
      return refuse(error.code === "E_MEMORY" ? 413 : 400, error.message);
    }
  },
};

function wordsOf(text) {
  if (text.length > MOST_BYTES) return `More than ${MOST_BYTES} characters`;
  const words = text
    .normalize("NFC")
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  if (words.length === 0) return "There are no words";
  return words.length > MOST_WORDS ? `More than ${MOST_WORDS} words` : words;
}

function load(file) {
  if (!file) throw new SviError("E_OPTION", `There is no ${MODEL}`, { remedy: "Put one into the bucket" });
  return LanguageModel.load(file.body ?? file);
}

/** A word that cannot be read, such as one longer than the model attends to, has an error in its place. */
async function pronounced(model, words) {
  const sources = words.map((word) => [...word].reverse().join(" "));
  const answers = [];
  for await (const found of translateAll(model, sources, { count: 3, memoryLimit: MEMORY }))
    answers.push({
      word: words[found.index],
      ...(found.error ? { error: found.error.message } : said(found)),
    });
  return answers;
}

function said({ text, candidates, logProbability, tokens }) {
  return {
    phonemes: text.split(" "),
    // Nats a token: the lowest are for a person to look at.
    sureness: logProbability / tokens,
    others: candidates.slice(1).map((other) => other.text.split(" ")),
  };
}

function refuse(status, message) {
  return Response.json({ error: message }, { status });
}
