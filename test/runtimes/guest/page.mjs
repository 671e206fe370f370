// Browsers: a page that tells its server what came out.
import * as library from "svi-lm";
import { run } from "./cases.mjs";

let outcome;
try {
  outcome = { report: await run(library) };
} catch (error) {
  outcome = { problem: `${error}\n${error.stack}` };
}
await fetch("/outcome", { method: "POST", body: JSON.stringify(outcome) });
