import { LanguageModel } from "npm:svi-lm";
import { job } from "./job.js";

if (typeof LanguageModel.load !== "function") throw new Error("npm:svi-lm is another package");
console.log(JSON.stringify(await job()));
