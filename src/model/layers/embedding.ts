/** @module Rows of a table by token; those of a window's distinct tokens alone, unless each row is masked by itself. */
import type { Address } from "../../kernels/address.ts";
import type { ModelConfiguration } from "../configuration.ts";
import { type Layer, type LayerContext, placeOf, type Rows, type Tensor } from "./layer.ts";

const TABLE = "embedding.weight";

/** Tied, its first values are the output layer's. */
export function embeddingTensors({ vocabulary, embedding, tied }: ModelConfiguration): Tensor[] {
  return [
    {
      name: TABLE,
      shape: [vocabulary, embedding],
      role: "embedding",
      init: tied ? { kind: "uniform", width: embedding } : { kind: "normal" },
    },
  ];
}

export class Embedding implements Layer {
  readonly #context: LayerContext;
  readonly #table: number;
  /** [ids, embedding]. */
  readonly #embedded: Address;

  constructor(context: LayerContext) {
    const { plan, model, shape } = context;
    this.#context = context;
    this.#table = placeOf(context, TABLE);
    this.#embedded = plan.words(shape.batch * shape.sequence * model.embedding);
  }

  forward(theta: Address): Rows {
    const { tape, model, shape, window, shared } = this.#context;
    const rows = { count: shape.dropout ? window.rows : window.distinct, width: model.embedding };
    tape.k.gatherRows({
      out: this.#embedded,
      table: theta + this.#table,
      ids: shared.ids,
      rows: rows.count,
      width: rows.width,
    });
    return { at: this.#embedded, ...rows, distinct: !shape.dropout };
  }

  /** Added to the output layer's share where the weights are tied, else to zeros. */
  backward(gradient: Address, above: Address): Address {
    const { tape, model, shape, window, shared } = this.#context;
    const { vocabulary, embedding: width } = model;
    const table = gradient + this.#table;
    if (!model.tied) tape.k.fillZero({ out: table, bytes: 4 * vocabulary * width });
    const count = shape.dropout ? window.rows : window.distinct;
    tape.k.scatterAddRows({ table, rows: above, ids: shared.ids, count, width, stride: width });
    return above;
  }
}
