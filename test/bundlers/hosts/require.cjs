const { LanguageModel, SviError } = require("svi-lm");
const { relaxed } = require("svi-lm/relaxed");
const { loadKernels } = require("svi-lm/module");

/** One class of errors, whichever entry point throws. */
async function run() {
  const error = await loadKernels(new Uint8Array(8)).catch((thrown) => thrown);
  if (!(error instanceof SviError) || typeof LanguageModel.load !== "function" || relaxed.build !== "relaxed")
    throw new Error("The entry points do not share their modules");
  return (await import("./job.js")).job();
}

run().then((result) => console.log(JSON.stringify(result)));
