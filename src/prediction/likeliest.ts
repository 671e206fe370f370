/** @module The likeliest tokens of a prediction, without sorting the vocabulary. */

/** Ids by falling probability, equal ones by id: what is kept is inserted in its place, the rest only compared. */
export function likeliest(probabilities: Float32Array, count: number): number[] {
  const ids: number[] = [];
  let least = -1;
  for (let id = 0; id < probabilities.length; id++) {
    const p = probabilities[id];
    if (ids.length === count && p <= least) continue;
    let at = ids.length < count ? ids.length : count - 1;
    for (; at > 0 && probabilities[ids[at - 1]] < p; at--) ids[at] = ids[at - 1];
    ids[at] = id;
    if (ids.length === count) least = probabilities[ids[count - 1]];
  }
  return ids;
}
