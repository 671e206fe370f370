/** @module Puts the records that results.json holds where the study looks for them, which continues without its cache. */
import { costsOf, openSubject, type Subject } from "../../src/cli/compare/session.ts";
import { keyHash, type RunStore } from "../../src/cli/compare/store.ts";
import type { RunRecord, Setting } from "../../src/comparison/run.ts";
import type { StepCosts } from "../../src/comparison/summary.ts";

type Row = readonly [tokens: number, nll: number, noise: number];

/** As much of results.json as is restored. */
export interface Published {
  readonly corpora: readonly { readonly name: string; readonly stepCosts: StepCosts }[];
  readonly runs: readonly (Omit<RunRecord, "curve"> & {
    readonly corpus: string;
    readonly label: string;
    readonly key: string;
    readonly setting: Setting;
    /** Omitted, like the figures, where the run diverged. */
    readonly curve?: readonly Row[];
    readonly diverged?: true;
  })[];
}

/**
 * Of one text, what the cache does not hold. A run whose setting means something else by now, since a default or the
 * text changed, has another key and is left out.
 */
export async function restore(
  subject: Subject,
  store: RunStore,
  folder: string,
  { corpora, runs }: Published,
): Promise<void> {
  const { fingerprints, keyOf } = await openSubject(subject, null, store);
  let same = false;
  for (const { corpus, label: _, key: known, setting, diverged, curve, ...record } of runs) {
    const key = keyOf(setting);
    if (corpus !== subject.name || keyHash(key) !== known) continue;
    same = true;
    if ((await store.read(key)) !== undefined) continue;
    const points = (curve ?? []).map(([tokens, nll, noise]) => ({ tokens, nll, noise }));
    await store.write(key, diverged ? null : { ...record, curve: points });
  }
  // Text and shape are the published ones where a run is: step costs are theirs.
  const costs = corpora.find(({ name }) => name === subject.name)?.stepCosts;
  if (same && costs) await costsOf(folder, fingerprints[0], subject.shape, async () => costs);
}
