/** @module Tokenizers of `tokenizer.json` files; apart, so that their Unicode tables are loaded only where they are used. */
export { jsonTokenizer } from "../text/json.ts";
