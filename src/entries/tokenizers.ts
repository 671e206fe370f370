/** @module Tokenizers that need a library: `tokenizer.json` files, by way of `@huggingface/tokenizers`. */
export { jsonTokenizer } from "../text/json.ts";
