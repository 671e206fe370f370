/** @module Stands for svi-lm/node in examples. */
export { writeFile as writeFileAtomically } from "./files.ts";
