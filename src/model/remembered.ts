/**
 * @module Which states a position attends to: the same in training, in evaluation and token by token.
 *
 * A position attends to the states of the `span` positions before it in its document, never to its own. Of pairs,
 * whose source ends with a token of its own, the source alone is remembered: that token and the target attend to all
 * of it, the source and the separator before it to nothing.
 */
import { SviError } from "../errors.ts";
import type { AttentionForm } from "./configuration.ts";

/** What is remembered of one text: the states of a run of its positions. */
export class Remembered {
  /** States at the end of the run that count. */
  count = 0;
  /** Whether the source has ended: nothing more is remembered. */
  closed = false;
  /** Of the position at hand: states that it attends to, the last ones before it, and whether its own comes after them. */
  seen = 0;
  took = false;
  readonly #form: AttentionForm;

  constructor(form: AttentionForm) {
    this.#form = form;
  }

  /** As another text that remembers so many states. */
  begin(count = 0, closed = false): void {
    this.count = count;
    this.closed = closed;
  }

  /** Goes to the next position, which reads `token`. @throws SviError `E_TEXT_LONG` for a source beyond the span */
  read(token: number): void {
    const { span, after, separator } = this.#form;
    const pairs = after !== undefined;
    if (pairs && token === separator) this.begin();
    if (pairs && token === after) this.closed = true;
    this.took = !this.closed && !(pairs && token === separator);
    this.seen = pairs && !this.closed ? 0 : this.count;
    if (!this.took) return;
    if (pairs && this.count === span) throw longSource(span);
    this.count = Math.min(span, this.count + 1);
  }
}

/** @throws SviError `E_TEXT_LONG` for a source that is not attended to as a whole */
export function requireSource({ span, after }: AttentionForm, tokens: number): void {
  if (after !== undefined && tokens > span) throw longSource(span);
}

function longSource(span: number): SviError {
  return new SviError(
    "E_TEXT_LONG",
    `A source has more than ${span} tokens, and the model attends to no more`,
    {
      option: "attention",
      value: span,
      remedy: "Shorten it, or train a model with a larger attention span",
    },
  );
}
