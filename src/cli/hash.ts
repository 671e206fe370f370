/** @module Hashes of models by the host: those of large ones take seconds otherwise, in which nothing else is heard. */
import { createHash } from "node:crypto";
import type { Posterior } from "../model/posterior.ts";
import { hashPosterior } from "../training/modelFile.ts";

/** The same as `LanguageModel.hash`. */
export function hashOf(posterior: Posterior): string {
  const hash = createHash("sha256");
  return hashPosterior(posterior, { update: (bytes) => hash.update(bytes), hex: () => hash.digest("hex") });
}
