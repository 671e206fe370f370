/** @module The option of a cache, for the commands that read or write one text. */
import { requireInteger } from "../errors.ts";
import type { CacheOptions } from "../prediction/cache.ts";

/** Tokens at most. */
const MOST = 2 ** 20;

export const CACHE = {
  cache: {
    kind: "number",
    default: 0,
    help: "words that came among as many last tokens of the text count for more, such as 500",
  },
} as const;

/** Without a cache for 0. @throws SviError `E_OPTION` */
export function cacheOf(size = 0): CacheOptions | undefined {
  return requireInteger("cache", size, 0, MOST) === 0 ? undefined : { size };
}
