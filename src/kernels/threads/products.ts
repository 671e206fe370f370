/**
 * @module How matrix products, the packing before them and an LSTM's timesteps are split: by rows, by panels of
 * columns, by lanes; alike in both forms of products.
 */

import {
  kernelsOfForm,
  nameInForm,
  type ProductForm,
  packedOffset,
  SHORT_ROWS,
  TWO_FORMS,
  type TwoForms,
} from "../forms.ts";
import type { KernelExports } from "../generated/signatures.ts";
import { edge, edges, type Parts } from "./parts.ts";
import type { Arguments } from "./splits.ts";
import { stepsBackward, stepsForward } from "./steps.ts";

/** Rows of a product's tile: parts begin where tiles do. */
const TILE_ROWS = 5;
/** From so many rows a thread on rows are split, and not columns. */
const MANY_ROWS = 80;
/** Columns that a product of one row takes at a time. */
const ROW_COLUMNS = 32;
/** Floating-point operations a nanosecond. */
const SPEED = 40;

/** What is split of the kernels that have two forms. */
type ProductName = Exclude<TwoForms, "packedSize">;

/** Kernels of one form of products: an instance's own by the names that they have in common, and where each is. */
interface Form {
  readonly own: KernelExports;
  readonly index: Readonly<Record<TwoForms, number>>;
}

/** A layer over several timesteps. */
interface Lanes {
  /** Which argument counts the lanes; the steps are the next. */
  readonly count: number;
  readonly hidden: number;
  /** Words that each argument moves from one lane to the next; negative: so many times the units of the layer. */
  readonly moves: Arguments;
}

const FORWARD_LANES: Lanes = { count: 11, hidden: 13, moves: [-4, 0, -1, -1, -1, -1, 1, 0, 1] };
const BACKWARD_LANES: Lanes = { count: 9, hidden: 11, moves: [-4, -1, -1, -1, -1, -1, 1] };
/** Of the time of all threads, what a split by lanes must make use of. */
const LEAST_USE = 0.8;
/** Units up to which each thread reads all recurrent weights, 4 MiB, at every step: more are not in a near cache. */
const NEAR_HIDDEN = 512;

/** Time that a product of so many rows takes, in tiles: one or two rows left over are cheaper than a tile. */
function tiles(rows: number): number {
  const left = rows % TILE_ROWS;
  return Math.floor(rows / TILE_ROWS) + (left > 2 ? 1 : 0.35 * left);
}

export class ProductShards {
  readonly #parts: Parts;
  readonly #own: KernelExports;
  readonly #index: ReadonlyMap<string, number>;
  readonly #panel: number;
  readonly #depth: number;
  /** Bytes of a thread's own scratch. */
  readonly #scratch: number;

  constructor(parts: Parts, own: KernelExports, index: ReadonlyMap<string, number>) {
    this.#parts = parts;
    this.#own = own;
    this.#index = index;
    this.#panel = own.panelColumns();
    this.#depth = own.blockDepth();
    this.#scratch = Math.ceil(own.gemmScratchSize() / 64) * 64;
  }

  /** Puts the products in the places of the instance's own. @param all the kernels, complete but for these */
  join(all: KernelExports): void {
    const gemv: KernelExports["gemv"] = (...args) => this.#gemv(args);
    Object.assign(all, { gemmScratchSize: () => this.#scratch * this.#parts.threads, gemv });
    for (const form of ["float32", "int16"] as const) {
      const split = this.#products(form, all);
      for (const name of Object.keys(split) as ProductName[])
        Object.assign(all, { [nameInForm(name, form)]: split[name] });
    }
  }

  /** The products of a form, by the names that both have. @param all the kernels, once they are complete */
  #products(name: ProductForm, all: KernelExports): Pick<KernelExports, ProductName> {
    const index = (product: TwoForms) => this.#index.get(nameInForm(product, name))!;
    const form: Form = {
      own: kernelsOfForm(this.#own, name),
      index: Object.fromEntries(TWO_FORMS.map((product) => [product, index(product)])) as Form["index"],
    };
    // Once, when they are first needed: not before all are there, and not at every call.
    let steps: KernelExports | undefined;
    const inSteps = () => {
      steps ??= kernelsOfForm(all, name);
      return steps;
    };
    return {
      packColumns: this.#pack(form, "packColumns", (k0, j0, ldb) => 4 * (k0 * ldb + j0)),
      packRows: this.#pack(form, "packRows", (k0, j0, ldb) => 4 * (j0 * ldb + k0)),
      gemm: (...args) => this.#gemm(form, args),
      gemmPair: (...args) => this.#gemmPair(form, args),
      recurrentForward: (...args) => {
        if (!this.#recurrent(form, "recurrentForward", args, FORWARD_LANES)) stepsForward(inSteps(), args);
      },
      recurrentBackward: (...args) => {
        if (!this.#recurrent(form, "recurrentBackward", args, BACKWARD_LANES)) stepsBackward(inSteps(), args);
      },
    };
  }

  /** Deep matrices by blocks of the depth, which are whole in the packed form; wide ones by panels. */
  #pack(
    { own, index }: Form,
    name: "packColumns" | "packRows",
    offset: (k0: number, j0: number, ldb: number) => number,
  ): KernelExports["packRows"] {
    const kernel = index[name];
    return (packed, b, ldb, k, n) => {
      const blocks = Math.ceil(k / this.#depth);
      const panels = Math.ceil(n / this.#panel);
      const deep = blocks >= 4 * this.#parts.threads || blocks > panels;
      const parts = this.#parts.of(0.4 * k * n, deep ? blocks : panels);
      if (parts === 1) return own[name](packed, b, ldb, k, n);
      for (let p = 0; p < parts; p++) {
        const task = this.#parts.begin(p);
        if (deep) {
          const k0 = edge(p, parts, k, this.#depth);
          const depth = edge(p + 1, parts, k, this.#depth) - k0;
          task.call(kernel, [packed + 4 * own.packedSize(n, k0), b + offset(k0, 0, ldb), ldb, depth, n]);
          continue;
        }
        const j0 = edge(p, parts, n, this.#panel);
        const columns = edge(p + 1, parts, n, this.#panel) - j0;
        for (const [k0, depth, repeats] of this.#blocks(k)) {
          const to = packed + packedOffset(own, n, k0, j0, depth);
          const args = [to, b + offset(k0, j0, ldb), ldb, depth, columns];
          task.repeat(kernel, args, repeats, [4 * own.packedSize(n, depth), offset(depth, 0, ldb), 0, 0, 0]);
        }
      }
      this.#parts.run(parts);
    };
  }

  /** Blocks of the depth, as [begin, depth, how many alike]: the first, those like it, and what is left. */
  #blocks(k: number): [number, number, number][] {
    const depth = this.#depth;
    const blocks: [number, number, number][] = [[0, Math.min(k, depth), 1]];
    const whole = Math.floor(k / depth);
    if (whole > 1) blocks.push([depth, depth, whole - 1]);
    if (whole > 0 && k % depth) blocks.push([whole * depth, k % depth, 1]);
    return blocks;
  }

  /** By rows where there are many; else by panels, whose parts then stay in each thread's own cache. */
  #gemm(form: Form, args: Parameters<KernelExports["gemm"]>): void {
    const [m, n, k] = args;
    const threads = this.#parts.threads;
    const panels = Math.ceil(n / this.#panel);
    const byRows = m >= MANY_ROWS * threads || panels < threads;
    const pieces = byRows ? Math.ceil(m / TILE_ROWS) : panels;
    const parts = this.#parts.of((2 * m * n * k) / SPEED, pieces);
    if (parts === 1) {
      form.own.gemm(...args);
      return;
    }
    if (byRows) {
      this.#gemmRows(form, args, parts);
      return;
    }
    for (let p = 0; p < parts; p++) this.#gemmPanels(form, args, p, parts);
    this.#parts.run(parts);
  }

  #gemmRows({ index }: Form, args: Parameters<KernelExports["gemm"]>, parts: number): void {
    const [m, n, k, , lda, transposed, , , ldc] = args;
    const moves = [0, 0, 0, 4 * (transposed ? 1 : lda), 0, 0, 0, 4 * ldc];
    const units = { kernel: index.gemm, args, moves, count: 0, own: 10, apart: this.#scratch };
    const granule = transposed ? this.#granule(m, parts) : TILE_ROWS;
    this.#parts.share(units, parts, edges(parts, m, granule, (2 * n * k) / SPEED));
  }

  #gemmPair({ own, index }: Form, args: Parameters<KernelExports["gemmPair"]>): void {
    const [m, k, , , n, , , ldc, n2, , , ldc2] = args;
    const nanoseconds = (2 * k * (n + n2)) / SPEED;
    const parts = this.#parts.of(m * nanoseconds, Math.ceil(m / TILE_ROWS));
    if (parts === 1) {
      own.gemmPair(...args);
      return;
    }
    const moves = [0, 0, 4, 0, 0, 0, 4 * ldc, 0, 0, 0, 4 * ldc2];
    const units = { kernel: index.gemmPair, args, moves, count: 0, own: 12, apart: this.#scratch };
    this.#parts.share(units, parts, edges(parts, m, this.#granule(m, parts), nanoseconds));
  }

  /** Rows of a transposed A at whose multiples parts begin. */
  #granule(m: number, parts: number): number {
    return m >= 8 * SHORT_ROWS * parts ? SHORT_ROWS : TILE_ROWS;
  }

  #gemmPanels({ own, index }: Form, args: Parameters<KernelExports["gemm"]>, p: number, parts: number): void {
    const [m, n, k, a, lda, transposed, packedB, c, ldc, accumulate, scratch] = args;
    const j0 = edge(p, parts, n, this.#panel);
    const columns = edge(p + 1, parts, n, this.#panel) - j0;
    const along = 4 * (transposed ? lda : 1);
    const room = scratch + p * this.#scratch;
    const task = this.#parts.begin(p);
    for (const [k0, depth, repeats] of this.#blocks(k)) {
      const from = packedB + packedOffset(own, n, k0, j0, depth);
      const adding = k0 > 0 ? 1 : accumulate;
      task.repeat(
        index.gemm,
        [m, columns, depth, a + along * k0, lda, transposed, from, c + 4 * j0, ldc, adding, room],
        repeats,
        [0, 0, 0, along * depth, 0, 0, 4 * own.packedSize(n, depth), 0, 0, 0, 0],
      );
    }
  }

  /** By lanes, which depend on none but themselves. @returns false where that is not worth it */
  #recurrent(
    { own, index }: Form,
    name: ProductName,
    args: Arguments,
    { count, moves, hidden }: Lanes,
  ): boolean {
    const lanes = args[count];
    const steps = args[count + 1];
    const width = args[hidden];
    const parts = this.#parts.of((8 * lanes * steps * width * width) / SPEED, lanes);
    if (parts === 1) {
      (own[name] as (...args: number[]) => void)(...args);
      return true;
    }
    if (width > NEAR_HIDDEN || tiles(lanes) < LEAST_USE * parts * tiles(Math.ceil(lanes / parts)))
      return false;
    const units = {
      kernel: index[name],
      args,
      moves: moves.map((words, i) => (args[i] === 0 ? 0 : 4 * (words < 0 ? -words * width : words))),
      count,
      own: args.length - 1,
      apart: this.#scratch,
    };
    const starts = Array.from({ length: parts + 1 }, (_, p) => edge(p, parts, lanes, 1));
    this.#parts.share(units, parts, starts);
    return true;
  }

  /** By columns. */
  #gemv(args: Parameters<KernelExports["gemv"]>): void {
    const [n, k, x, packedB, y, accumulate] = args;
    const parts = this.#parts.of((2 * n * k) / SPEED, Math.ceil(n / ROW_COLUMNS));
    if (parts === 1) {
      this.#own.gemv(...args);
      return;
    }
    for (let p = 0; p < parts; p++) {
      const j0 = edge(p, parts, n, ROW_COLUMNS);
      const columns = edge(p + 1, parts, n, ROW_COLUMNS) - j0;
      const task = this.#parts.begin(p);
      for (const [k0, depth, repeats] of this.#blocks(k)) {
        const from = packedB + packedOffset(this.#own, n, k0, j0, depth);
        const at = [columns, depth, x + 4 * k0, from, y + 4 * j0, k0 > 0 ? 1 : accumulate];
        task.repeat(this.#index.get("gemv")!, at, repeats, [
          0,
          0,
          4 * depth,
          4 * this.#own.packedSize(n, depth),
          0,
          0,
        ]);
      }
    }
    this.#parts.run(parts);
  }
}
