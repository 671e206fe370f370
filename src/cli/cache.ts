/** @module The option of a cache, for the commands that read or write one text. */
import type { CacheOptions } from "../prediction/cache.ts";

export const CACHE = {
  cache: {
    kind: "number",
    default: 0,
    help: "words that came among as many last tokens of the text count for more, such as 500",
  },
} as const;

/** Without a cache for 0. */
export function cacheOf(size: number | undefined): CacheOptions | undefined {
  return size ? { size } : undefined;
}
