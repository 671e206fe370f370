// Trains a model of the page's text in a worker, shows how far it is, and writes from it.
// Plain ES modules, no bundler: svi-lm/worker is served as it lies in the package.
import { connect, ivon, SviError } from "/svi-lm/worker/index.js";

const $ = (id) => document.getElementById(id);
$("text").value = [...Array(60)]
  .map((_, i) => `the ${["sea", "ship", "whale", "sky"][i % 4]} finds the ${["man", "moon", "wind"][i % 3]}.`)
  .join("\n");

const { LanguageModel, Corpus, fit } = await connect();
let model;
let stop;

$("train").onclick = guarded(async () => {
  busy(true);
  stop = new AbortController();
  const corpus = await Corpus.open($("text").value, { tokenizer: "character" });
  model = await LanguageModel.create({ tokenizer: corpus.tokenizer, embedding: 32, hidden: 128 });
  const options = { inference: ivon(), epochs: 60, batch: 4, sequence: 32, signal: stop.signal };
  for await (const record of fit(model, corpus, options)) show(record);
});
$("stop").onclick = () => stop.abort();
$("write").onclick = guarded(async () => {
  $("written").textContent = "";
  for await (const { text, mutualInformation } of model.generate({
    prompt: "the ",
    tokens: 200,
    samples: 4,
  })) {
    // What the model's samples disagree about is underlined.
    const piece = document.createElement(mutualInformation > 0.1 ? "mark" : "span");
    piece.textContent = text;
    $("written").append(piece);
  }
});

/** Runs a task; says what went wrong, and what to do about it. */
function guarded(task) {
  return async () => {
    $("problem").textContent = "";
    try {
      await task();
    } catch (error) {
      if (error instanceof SviError) $("problem").textContent = error.message;
      else if (error.name !== "AbortError") throw error;
    } finally {
      busy(false);
      if (model) await offer();
    }
  };
}

function busy(training) {
  $("train").disabled = training;
  $("stop").disabled = !training;
  $("write").disabled = training || !model;
}

function show({ step, steps, bitsPerToken, tokens, seconds }) {
  $("progress").value = step / steps;
  $("step").textContent = `${step} of ${steps}`;
  $("bits").textContent = bitsPerToken.toFixed(3);
  $("speed").textContent = Math.round(tokens / seconds).toLocaleString("en");
}

async function offer() {
  URL.revokeObjectURL($("save").href);
  $("save").href = URL.createObjectURL(new Blob([await model.toBytes()]));
  $("save").hidden = false;
}

let last = performance.now();
let longest = 0;
requestAnimationFrame(function frame(now) {
  longest = Math.max(longest, now - last);
  last = now;
  if (!$("stop").disabled) $("gap").textContent = `${longest.toFixed(0)} ms`;
  else longest = 0;
  requestAnimationFrame(frame);
});
