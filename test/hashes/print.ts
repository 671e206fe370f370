/** Prints the hashes of all cases as golden.json holds them. */
import * as lib from "../../src/entries/index.ts";
import { golden } from "./golden.ts";

process.stdout.write(`${JSON.stringify(await golden(lib), null, 2)}\n`);
