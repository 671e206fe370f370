/** @module How an adaptive softmax divides a vocabulary: frequent tokens in its head, the others in its tails. */

/** Tokens `first` to `first + size - 1`, told apart by a projection of the hidden state to `width`. */
export interface Tail {
  readonly first: number;
  readonly size: number;
  readonly width: number;
}

/** How much narrower the projection of each tail is than the one before: PyTorch's `div_value`. */
const DIVISION = 4;

/** The tails behind the head, which holds the tokens below the first cutoff; none where there are no cutoffs. */
export function tailsOf(model: {
  readonly vocabulary: number;
  readonly hidden: number;
  readonly cutoffs: readonly number[];
}): Tail[] {
  const { vocabulary, cutoffs } = model;
  let width = model.hidden;
  return cutoffs.map((first, i) => {
    width = Math.floor(width / DIVISION);
    return { first, size: (cutoffs[i + 1] ?? vocabulary) - first, width: Math.max(1, width) };
  });
}

/**
 * A head of V^⅔ tokens and two tails that meet at the geometric mean of that and V: 2,154 and 14,676 of 100,000.
 *
 * Where the frequency of a token is one over its rank (Zipf's law), the head then stands for about two thirds of a
 * text and each tail for a sixth. A token costs about d·V^⅔ + (d/4·V^⅚ + d/16·V)/6 products against d·V of a full
 * softmax, d the hidden size: a thirtieth at 100,000. Grave et al. (2017) find the gain to level off at two to five
 * clusters. In integers, since configurations must not differ between engines.
 */
export function defaultCutoffs(vocabulary: number): number[] {
  let head = 1;
  while ((head + 1) * (head + 1) * (head + 1) <= vocabulary * vocabulary) head++;
  const second = Math.floor(Math.sqrt(head * vocabulary));
  return [head, second].filter((cutoff, i, all) => cutoff < vocabulary && cutoff !== all[i - 1]);
}
