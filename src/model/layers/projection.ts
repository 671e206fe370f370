/**
 * @module A linear map without a bias, from what is below to rows of another width: a tail's, or those of embeddings
 * that the output layer's weights are tied to.
 */
import type { Address } from "../../kernels/address.ts";
import type { Products } from "../products.ts";
import type { Rows, Shared } from "./layer.ts";

export interface ProjectionShape {
  /** Width of the rows below, and of what is made of them. */
  readonly from: number;
  readonly to: number;
  /** Of [to, from], bytes from the beginning of a flat vector. */
  readonly weight: number;
}

interface ProjectionContext {
  readonly products: Products;
  readonly shared: Shared;
  readonly training: boolean;
}

export class Projection {
  readonly shape: ProjectionShape;
  readonly #context: ProjectionContext;
  readonly #packed: Address;
  readonly #packedBack: Address;

  constructor(context: ProjectionContext, shape: ProjectionShape) {
    const { products, training } = context;
    this.#context = context;
    this.shape = shape;
    this.#packed = products.planPacked(shape.to, shape.from);
    this.#packedBack = training ? products.planPacked(shape.from, shape.to) : 0;
  }

  /** Packs the weights of the flat vector at `theta`. */
  pack(theta: Address): void {
    const { products } = this.#context;
    const { from, to, weight } = this.shape;
    products.packRows(this.#packed, theta + weight, from, to);
    if (this.#packedBack) products.packColumns(this.#packedBack, theta + weight, to, from);
  }

  /** Writes [count, to]. */
  forward({ at, count }: Pick<Rows, "at" | "count">, out: Address): void {
    const { from, to } = this.shape;
    this.#context.products.multiply([count, to, from], { at, stride: from }, this.#packed, {
      at: out,
      stride: to,
    });
  }

  /**
   * Writes the weights' gradients to the flat vector at `gradient`, and the rows' own.
   * @param above gradients of what was made of the rows, [count, to]
   * @param below room for the rows' own, [count, from], which may be that of the rows
   */
  backward(
    gradient: Address,
    { at, count }: Pick<Rows, "at" | "count">,
    above: Address,
    below: Address,
  ): void {
    const { products, shared } = this.#context;
    const { from, to, weight } = this.shape;
    const dOut = { at: above, stride: to };
    products.packColumns(shared.packedRows, at, count, from);
    products.multiply([to, from, count], { ...dOut, transposed: true }, shared.packedRows, {
      at: gradient + weight,
      stride: from,
    });
    products.multiply([count, from, to], dOut, this.#packedBack, { at: below, stride: from });
  }
}
