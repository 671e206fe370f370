/** @module One mask a lane, the same at all timesteps of a window (Gal and Ghahramani 2016). */
import type { Address } from "../../kernels/address.ts";
import type { Layer, LayerContext, Rows } from "./layer.ts";

export class Dropout implements Layer {
  /** [batch, width], to be filled before `forward`. */
  readonly address: Address;
  readonly size: number;
  readonly #context: LayerContext;
  readonly #width: number;
  /** [rows, width]. */
  readonly #masked: Address;

  constructor(context: LayerContext, width: number) {
    const { batch, sequence } = context.shape;
    this.#context = context;
    this.#width = width;
    this.size = batch * width;
    this.address = context.plan.words(this.size);
    this.#masked = context.plan.words(sequence * this.size);
  }

  forward(_theta: Address, input: Rows): Rows {
    this.#apply(this.#masked, input.at);
    return { ...input, at: this.#masked };
  }

  backward(_gradient: Address, above: Address): Address {
    this.#apply(above, above);
    return above;
  }

  #apply(out: Address, x: Address): void {
    const { tape, shape, window } = this.#context;
    tape.k.maskRows({
      out,
      x,
      mask: this.address,
      rows: window.rows,
      batch: shape.batch,
      width: this.#width,
    });
  }
}
