/** @module The temperature that suits a model: one number, found on held-out text (Guo et al. 2017, section 4.2). */
import { SviError } from "../errors.ts";
import { requireOptions } from "../options.ts";
import type { Model } from "../prediction/model.ts";
import type { Corpus } from "../text/corpus.ts";
import { EVALUATING, type EvaluateOptions, evaluate } from "./evaluate.ts";
import type { Evaluation } from "./tally.ts";

/** 1/T and what is to become 0 there. */
interface Point {
  readonly inverse: number;
  readonly slope: number;
}

const { temperature: _, ...FITTING } = EVALUATING;

/** Temperatures beyond 16 and below 1/16 are not looked for. */
const MOST = 16;
/** Factor between two inverses before there is a change of sign. */
const STRIDE = 1.25;
/** Relative width at which 1/T is known well enough. */
const WIDTH = 1e-4;
/** Relative difference of likelihood and entropy that float32 leaves. */
const CLOSE = 1e-6;
/** Nats a token, below which nothing is ever wrong. */
const RIGHT = 1e-5;
const MOST_READINGS = 60;

/**
 * The temperature at which a model predicts a held-out text best, for `temperature` of `evaluate`. The likelihood is
 * convex in 1/T, with the slope T·(nll − entropy): at its lowest, a prediction is as sure on average as it turns out
 * to be right. The zero of that slope is found by false position (Illinois), which reads the text six to ten times.
 *
 * ```ts
 * const temperature = await fitTemperature(model, corpus);
 * const { ece } = await evaluate(model, corpus, { temperature });
 * ```
 *
 * @param options of the evaluation that the temperature is for, such as `samples`
 * @throws what `evaluate` does; SviError `E_TEXT_SHORT` where no temperature from 1/16 to 16 fits, as of a text of
 *   which every token is the likeliest
 */
export async function fitTemperature(
  model: Model,
  corpus: Corpus,
  options: Omit<EvaluateOptions, "temperature"> = {},
): Promise<number> {
  requireOptions("fitTemperature", options, FITTING);
  return findTemperature((temperature) => evaluate(model, corpus, { ...options, temperature }));
}

/** The same of whatever reads a text at a temperature. @throws SviError `E_TEXT_SHORT` */
export async function findTemperature(
  read: (temperature: number) => Promise<Pick<Evaluation, "nll" | "entropy">>,
): Promise<number> {
  const at = async (inverse: number): Promise<Point> => {
    const { nll, entropy } = await read(1 / inverse);
    if (nll < RIGHT) throw none(inverse);
    const difference = nll - entropy;
    return { inverse, slope: Math.abs(difference) < CLOSE * nll ? 0 : difference / inverse };
  };
  const start = await at(1);
  if (start.slope === 0) return 1;
  const [before, behind] = await bracket(start, at);
  return 1 / (await zero(before, behind, at));
}

/** Two neighbours with slopes of different signs. */
async function bracket(start: Point, at: (inverse: number) => Promise<Point>): Promise<[Point, Point]> {
  const factor = start.slope > 0 ? 1 / STRIDE : STRIDE;
  let last = start;
  for (;;) {
    const inverse = last.inverse * factor;
    if (inverse > MOST || inverse < 1 / MOST) throw none(last.inverse);
    const next = await at(inverse);
    if (next.slope * start.slope <= 0) return [last, next];
    last = next;
  }
}

function none(inverse: number): SviError {
  return new SviError("E_TEXT_SHORT", `No temperature from 1/${MOST} to ${MOST} fits the text`, {
    option: "corpus",
    value: 1 / inverse,
    remedy: "Give a longer text, of the kind that the model predicts",
  });
}

/** False position with the weight of an end that stays halved (Dowell and Jarratt 1971). */
async function zero(a: Point, b: Point, at: (inverse: number) => Promise<Point>): Promise<number> {
  let [stays, moves] = [a, b];
  for (let reading = 0; reading < MOST_READINGS && moves.slope !== 0; reading++) {
    if (Math.abs(stays.inverse - moves.inverse) < WIDTH * moves.inverse) break;
    const step = (moves.slope * (stays.inverse - moves.inverse)) / (stays.slope - moves.slope);
    const next = await at(moves.inverse - step);
    if (next.slope * moves.slope < 0) stays = moves;
    else stays = { ...stays, slope: stays.slope / 2 };
    if (Math.abs(next.inverse - moves.inverse) < WIDTH * next.inverse) return next.inverse;
    moves = next;
  }
  return moves.inverse;
}
