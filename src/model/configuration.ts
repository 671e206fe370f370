/** @module The shape of a model: sizes that are checked once, before anything is allocated. */
import { requireChoice, requireInteger, SviError } from "../errors.ts";
import { requireInner } from "../options.ts";
import { frozen } from "../shapes.ts";
import { defaultCutoffs } from "./clusters.ts";
import { CELLS, type CellName } from "./layers/cells.ts";

/** embedding → recurrent layers → output layer; output weights optionally tied to the embedding. */
export interface ModelConfiguration {
  /** Number of token ids. */
  readonly vocabulary: number;
  /** Width of a token's embedding. */
  readonly embedding: number;
  /** Units of each recurrent layer. */
  readonly hidden: number;
  /** Recurrent layers, 1 to 4. */
  readonly layers: number;
  /** What recurrent layers are made of. */
  readonly cell: CellName;
  /**
   * Whether the output layer uses the embedding's weights; where the embedding is not as wide as `hidden`, a
   * projection without a bias, [embedding, hidden], stands before it.
   */
  readonly tied: boolean;
  /**
   * Whether every token has a logit of its own, or rare ones are told apart within clusters: the same distribution
   * over all tokens at every use, and much less work where ids are in the order of falling frequency, as those of
   * learnt word tokenizers are. In another order it is as exact, and slower.
   */
  readonly softmax: "full" | "adaptive";
  /** First ids of the clusters of an adaptive softmax, rising; none for a full one. */
  readonly cutoffs: readonly number[];
  /** What the last recurrent layer's outputs attend to before the output layer reads them; none unless asked for. */
  readonly attention?: AttentionForm;
}

/**
 * Attention over states of before (Luong et al. 2015). A position attends to those of the `span` positions before it in
 * its document, in training as in prediction, and never to its own; what a window of training carries over from the
 * one before has no gradients, as recurrent states have none.
 */
export interface AttentionForm {
  /** States that are attended to, at most. */
  readonly span: number;
  /**
   * Of documents that are pairs, the id of the token that ends the source: it and what follows attend to all of the
   * source's states, whose number `span` bounds, and the source to none.
   */
  readonly after?: number;
  /** Of pairs, the id of the token between two of them, which no position attends to. */
  readonly separator?: number;
}

const MOST_CLUSTERS = 8;

const MOST_SPAN = 4096;

export interface ModelOptions extends Partial<Omit<ModelConfiguration, "vocabulary" | "attention">> {
  /** Attention over states of before: `true` for a span of 64, the usual window of training, or how. */
  readonly attention?: boolean | Partial<AttentionForm>;
}

/**
 * Fills in defaults (embedding 64, hidden 256, 1 layer, untied, a full softmax; a tied embedding is as wide as
 * `hidden` unless another width is given; cutoffs from the vocabulary, see clusters.ts).
 * @throws SviError `E_OPTION` where a size is out of range, or options exclude each other
 */
export function configureModel(vocabulary: number, options: ModelOptions = {}): ModelConfiguration {
  const hidden = requireInteger("hidden", options.hidden ?? 256, 1, 8192);
  const tied = options.tied ?? false;
  const embedding = requireInteger("embedding", options.embedding ?? (tied ? hidden : 64), 1, 8192);
  requireInteger("vocabulary", vocabulary, 2, 2 ** 22);
  const softmax = requireChoice("softmax", options.softmax ?? "full", ["full", "adaptive"]);
  if (tied && softmax === "adaptive")
    throw new SviError("E_OPTION", "The weights of an adaptive softmax are tied to the embedding", {
      option: "tied",
      value: softmax,
      remedy:
        "Leave the weights untied, or take a full softmax: a tail's weights are narrower than embeddings",
    });
  return frozen({
    vocabulary,
    embedding,
    hidden,
    layers: requireInteger("layers", options.layers ?? 1, 1, 4),
    cell: requireChoice("cell", options.cell ?? "lstm", Object.keys(CELLS) as CellName[]),
    tied,
    softmax,
    cutoffs: cutoffsOf(softmax, vocabulary, options.cutoffs),
    // No property without it: checkpoints that know of none continue.
    ...attentionOf(vocabulary, options.attention),
  });
}

function attentionOf(
  vocabulary: number,
  attention: ModelOptions["attention"],
): { readonly attention?: AttentionForm } {
  if (attention === undefined || attention === false) return {};
  const known = ["span", "after", "separator"] as const;
  const { span = 64, ...ids } = requireInner<AttentionForm>("attention", attention, known);
  requireInteger("attention.span", span, 1, MOST_SPAN);
  for (const [name, id] of Object.entries(ids))
    if (id !== undefined) requireInteger(`attention.${name}`, id, 0, vocabulary - 1);
  return { attention: { span, ...ids } };
}

function cutoffsOf(
  softmax: "full" | "adaptive",
  vocabulary: number,
  cutoffs: readonly number[] = softmax === "full" ? [] : defaultCutoffs(vocabulary),
): readonly number[] {
  const most = softmax === "full" ? 0 : MOST_CLUSTERS;
  const rising = (cutoff: unknown, i: number, all: readonly unknown[]) =>
    Number.isInteger(cutoff) && (cutoff as number) > (i === 0 ? 0 : (all[i - 1] as number));
  const fits =
    Array.isArray(cutoffs) &&
    cutoffs.length <= most &&
    cutoffs.length >= Math.min(1, most) &&
    cutoffs.every(rising) &&
    (cutoffs.at(-1) ?? 0) < vocabulary;
  if (fits) return [...cutoffs];
  throw new SviError("E_OPTION", `cutoffs are ${String(cutoffs).slice(0, 80)}`, {
    option: "cutoffs",
    value: cutoffs,
    remedy:
      softmax === "full"
        ? "Omit them: a full softmax has none"
        : `Give 1 to ${MOST_CLUSTERS} integers, rising, from 1 to ${vocabulary - 1}`,
  });
}
