import * as svi from "svi-lm";
import { job } from "./job.js";

// As a page has it that loads the module anew whenever its source has changed.
globalThis.loaded = { owner: svi.LanguageModel, work: () => job(svi) };
