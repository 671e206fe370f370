/** @module How the documentation is indexed, when the site is built and in the page alike. */
import type { Options } from "minisearch";

export const SEARCH = {
  fields: ["title", "text"],
  storeFields: ["page", "title"],
  searchOptions: { boost: { title: 4 }, prefix: true, fuzzy: 0.15 },
} satisfies Options;
