/** @module Hashes of models by the host: those of large ones take seconds otherwise, in which nothing else is heard. */
import { createHash } from "node:crypto";
import { drive } from "../kernels/slices.ts";
import type { Posterior } from "../model/posterior.ts";
import { hashing } from "../training/modelFile.ts";

/** The same as `LanguageModel.hash`. @throws the signal's reason */
export function hashOf(posterior: Posterior, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  const host = { update: (bytes: Uint8Array) => void hash.update(bytes), hex: () => hash.digest("hex") };
  return drive(hashing(posterior, host), signal);
}
