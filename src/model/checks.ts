/** @module What is checked of tokens wherever a model reads them. */
import { SviError } from "../errors.ts";
import type { SourceRanges } from "./layers/layer.ts";

/** @throws SviError `E_TOKEN_RANGE` */
export function requireToken(token: number, vocabulary: number): void {
  if (!(Number.isInteger(token) && token >= 0 && token < vocabulary))
    throw new SviError("E_TOKEN_RANGE", `Token id ${token} is outside of 0 to ${vocabulary - 1}`, {
      value: token,
      remedy: "Encode the text with the model's own tokenizer",
    });
}

/** A target that is not scored: it adds nothing to a loss, a gradient or a figure. */
export const IGNORED = -1;

/** Rows attend to timesteps of before, and to no more than the span. @throws SviError `E_OPTION` */
export function requireRanges({ from, to }: SourceRanges, rows: number, batch: number, span: number): void {
  for (let row = 0; row < rows; row++) {
    const t = Math.floor(row / batch);
    if (from[row] >= 0 && from[row] <= to[row] && to[row] <= t && to[row] - from[row] <= span) continue;
    throw new SviError("E_OPTION", `Timestep ${t} is to attend to those from ${from[row]} to ${to[row]}`, {
      option: "attention",
      value: { from: from[row], to: to[row] },
      remedy: `Give timesteps before it, at most ${span}, or create the model with a larger attention span`,
    });
  }
}
