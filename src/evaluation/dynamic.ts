/**
 * @module Dynamic evaluation (Krause et al. 2018, "Dynamic evaluation of neural sequence models"): the weights learn
 * from a text while it is scored, each window after it has been predicted. The step is scaled by the posterior: a
 * weight that was learnt with precision p from λ tokens moves by rate · g · λ / p and back to its mean by `decay`.
 */
import { requireInteger, requireNumber, SviError } from "../errors.ts";
import { Tape } from "../kernels/tape.ts";
import type { SourceRanges } from "../model/layers/layer.ts";
import { Network } from "../model/network.ts";
import type { Posterior } from "../model/posterior.ts";
import type { Slices } from "../model/work.ts";
import { requireInner } from "../options.ts";
import { planRows, type Reader, type ReaderContext, type Rows } from "./readers.ts";
import { temper } from "./temper.ts";

export interface DynamicOptions {
  /** Step size, 0.003 by default; 0 for weights that stay. */
  readonly rate?: number;
  /** Share of the way back to the posterior's mean after every window, 0.002 by default. */
  readonly decay?: number;
  /** Tokens that are predicted before the weights learn from them, 64 by default. */
  readonly every?: number;
}

export type DynamicForm = Required<DynamicOptions>;

const DEFAULTS: DynamicForm = { rate: 0.003, decay: 0.002, every: 64 };
/** Bound on the norm of a window's gradient, per token. */
const CLIP = 1;

/** @returns null for none @throws SviError `E_OPTION` */
export function requireDynamic(dynamic: boolean | DynamicOptions | undefined): DynamicForm | null {
  if (dynamic === undefined || dynamic === false) return null;
  const given = requireInner<DynamicForm>("dynamic", dynamic, ["rate", "decay", "every"]);
  const { rate = DEFAULTS.rate, decay = DEFAULTS.decay, every = DEFAULTS.every } = given;
  return {
    rate: requireNumber("dynamic.rate", rate, "a number from 0 on", (v) => v >= 0),
    decay: requireNumber("dynamic.decay", decay, "a number from 0 to 1", (v) => v >= 0 && v <= 1),
    every: requireInteger("dynamic.every", every, 1, 256),
  };
}

/** The mean in float32, which learns; windows are of `every` tokens at most. */
export class DynamicReader implements Reader {
  readonly rows: Rows;
  readonly #context: ReaderContext;
  readonly #form: DynamicForm;
  readonly #tape: Tape;
  readonly #network: Network;
  readonly #theta: number;
  readonly #gradient: number;
  readonly #state: number;
  readonly #mean: number;
  /** λ / precision. */
  readonly #scale: number;

  /** @throws SviError `E_OPTION` for a model without a posterior */
  constructor(context: ReaderContext, form: DynamicForm) {
    const { plan, posterior, sequence, separator } = context;
    const { configuration, layout } = posterior;
    requireScale(posterior);
    this.#context = context;
    this.#form = form;
    this.#tape = new Tape(plan.instance);
    const shape = { batch: 1, sequence, training: true, resets: separator >= 0 };
    this.#network = new Network(this.#tape, plan, configuration, layout, shape);
    const { length } = layout;
    [this.#theta, this.#gradient, this.#mean, this.#scale] = [0, 0, 0, 0].map(() => plan.words(length));
    this.#state = plan.words(this.#network.stateSize);
    const { targets, nll } = this.#network.buffers;
    // The loss that is learnt from is that of the weights as they are.
    this.rows = planRows(context, { targets, nll: context.temperature === 1 ? nll : plan.words(sequence) });
  }

  *begin(): Slices {
    const { plan, posterior } = this.#context;
    const { length } = posterior.layout;
    const [theta, gradient, mean, scale] = [this.#theta, this.#gradient, this.#mean, this.#scale].map((at) =>
      plan.floats(at, length),
    );
    yield* posterior.read(mean, null);
    theta.set(mean);
    gradient.fill(0);
    writeScale(scale, posterior);
    plan.floats(this.#state, this.#network.stateSize).fill(0);
    this.#network.pack(this.#theta);
    yield* this.#tape.run();
  }

  *read(inputs: Int32Array, targets: Int32Array, steps: number, sources?: SourceRanges): Slices {
    const network = this.#network;
    const { logits, logitStride } = network.buffers;
    const { entropy, scores, targets: targetsAt, nll } = this.rows;
    const { k } = this.#tape;
    const { plan, temperature, posterior } = this.#context;
    const { vocabulary } = posterior.configuration;
    network.setWindow(inputs, targets, steps, this.#context.separator, sources);
    network.forward(this.#theta, this.#state);
    network.probabilities(this.#theta, ({ row, rows }) => {
      const own = { targets: targetsAt + 4 * row, nll: nll + 4 * row, rows, stride: logitStride, vocabulary };
      if (temperature !== 1) temper(plan, temperature, { probabilities: logits, ...own });
      const chunk = { p: logits, rows, stride: logitStride, scale: 1 };
      k.addEntropy({ ...chunk, entropy: entropy + 4 * row, first: true });
      k.scoreRows({ ...chunk, out: scores + 16 * row, targets: targetsAt + 4 * row });
    });
    network.loss(this.#theta, this.#gradient, () => {});
    network.backward(this.#gradient);
    network.saveState(this.#state);
    yield* this.#tape.run();
    if (this.#form.rate > 0) yield* this.#learn();
  }

  #learn(): Slices {
    const { plan, posterior } = this.#context;
    const { length: n } = posterior.layout;
    const norm = Math.sqrt(plan.instance.exports.sumSquares(this.#gradient, n));
    const rate = (norm > CLIP ? CLIP / norm : 1) * this.#form.rate;
    const { decay } = this.#form;
    const [w, mean, scale, g] = [this.#theta, this.#mean, this.#scale, this.#gradient];
    this.#tape.k.dynamicStep({ w, mean, scale, g, n, rate, decay });
    this.#network.pack(this.#theta);
    return this.#tape.run();
  }
}

/** @throws SviError `E_OPTION` for a model without a posterior */
function requireScale({ precision, lambda }: Posterior): void {
  if (!precision || lambda === null)
    throw new SviError("E_OPTION", "dynamic was asked of a model without a posterior", {
      option: "dynamic",
      value: lambda,
      remedy: "Train it with ivon or bbb: the posterior's precision is the scale of the step",
    });
}

/** λ / precision of the weights; of biases, which have none, that of an average weight. */
function writeScale(scale: Float32Array, { precision, lambda, layout }: Posterior): void {
  let [sum, count] = [0, 0];
  for (const value of precision!)
    if (value > 0) {
      sum += value;
      count++;
    }
  const average = sum / count;
  scale.fill(0);
  for (const { offset, size } of layout.segments)
    for (let i = offset; i < offset + size; i++)
      scale[i] = lambda! / (precision![i] > 0 ? precision![i] : average);
}
