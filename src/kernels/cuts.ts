/**
 * @module What is known of a kernel besides its arithmetic: how long a call takes, and along which of its arguments
 * it may be cut, for slices of bounded work and for threads alike. A cut is along outputs, or continues a sum where
 * the kernel itself would begin its next block: no number of pieces changes a bit.
 */
import type { Signatures } from "./generated/signatures.ts";

export type Kernel = Exclude<keyof Signatures, "heapBase">;

/** Names of arguments and how much each moves: addresses by bytes, others by ones. */
export type Moves<A> = { readonly [P in keyof A]?: number };

/** One way to cut a call. */
export interface Way<A> {
  /** The argument that counts its units: rows, columns, elements. */
  readonly along: keyof A;
  /** Pieces begin at multiples of so many. */
  readonly granule: number;
  /** How much arguments move from one unit to the next. */
  readonly moves: Moves<A>;
  /** What pieces after the first one add to: they come one after the other, and not on several threads. */
  readonly after?: Moves<A>;
}

export interface Cut<A> {
  /** Nanoseconds on one thread, roughly. */
  cost(args: A): number;
  /** In the order of preference; a piece that is still too long is cut in the next way. */
  ways(args: A, threads: number): readonly Way<A>[];
  /** What a sum's blocks are combined by. */
  readonly combine?: (a: number, b: number) => number;
  /** Scratch, which every thread needs for itself. */
  readonly own?: keyof A;
}

/** Nanoseconds of a slice, what is done without a pause. Counted, not timed: edge clocks stand still. */
export const SLICE = 2.5e6;
/** Elements that a sum over a flat array adds up at a time: what its bits depend on. */
export const PART = 2 ** 19;
/** Elements whose terms are added in f32: SUM_BLOCK of assembly/norm.ts. */
export const SUM_BLOCK = 4096;
/** Columns of a packed panel, depth of a block of panels, rows of a tile: assembly/panels.ts and tile.ts. */
export const PANEL_COLUMNS = 8;
export const BLOCK_DEPTH = 256;
const TILE_ROWS = 5;
/** Rows of a transposed A that are packed at a time: SHORT_ROWS of assembly/gemm.ts. */
export const SHORT_ROWS = 40;
/** Rows that a slice of a product has at least: fewer would read B too often. */
const LEAST_ROWS = 25;
/** From so many rows a thread on rows are cut, and not columns. */
const MANY_ROWS = 80;
/** Floats of B, 1 MiB, that all slices of rows find in a near cache. */
const NEAR = 2 ** 18;
/** Floating-point operations a nanosecond. */
export const SPEED = 40;
/** Random numbers are drawn sixteen at a time; whole cache lines for everything else. */
export const ELEMENTS = 1024;

/** Flat arrays of `n` elements. */
export function elements<A extends { readonly n: number }>(
  nanoseconds: number,
  moves: (args: NoInfer<A>) => Moves<NoInfer<A>>,
): Cut<A> {
  return {
    cost: ({ n }) => nanoseconds * n,
    ways: (args) => [{ along: "n", granule: ELEMENTS, moves: moves(args) }],
  };
}

/** Rows, each of which costs as much. */
export function rows<A extends { readonly rows: number }>(
  nanoseconds: (args: NoInfer<A>) => number,
  moves: (args: NoInfer<A>) => Moves<NoInfer<A>>,
  granule: (args: NoInfer<A>) => number = () => 1,
): Cut<A> {
  return {
    cost: (args) => args.rows * nanoseconds(args),
    ways: (args) => [{ along: "rows", granule: granule(args), moves: moves(args) }],
  };
}

/** One unit of a cell a lane. */
export function lanes<A extends { readonly batch: number; readonly hidden: number }>(
  nanoseconds: number,
  moves: (width: number) => Moves<NoInfer<A>>,
): Cut<A> {
  return {
    cost: ({ batch, hidden }) => nanoseconds * batch * hidden,
    ways: ({ hidden }) => [{ along: "batch", granule: 1, moves: moves(4 * hidden) }],
  };
}

/** Bytes of a packed panel for each row of the depth; of integers a block of 256 has 128 pairs and their scales. */
function panelRow(form: number): number {
  return form ? (32 * (BLOCK_DEPTH / 2 + 1)) / BLOCK_DEPTH : 32;
}

function panels(n: number): number {
  return Math.ceil(n / PANEL_COLUMNS);
}

type Product = Signatures["gemm"];

export const gemm: Cut<Product> = {
  cost: ({ m, n, k }) => (2 * m * n * k) / SPEED,
  own: "scratch",
  ways(args, threads) {
    const { m, n, transposed, lda, ldc, form, width } = args;
    const granule =
      threads === 1 ? (transposed ? SHORT_ROWS : LEAST_ROWS) : rowGranule(m, !!transposed, threads);
    const byRows: Way<Product> = { along: "m", granule, moves: { a: transposed ? 4 : 4 * lda, c: 4 * ldc } };
    const byColumns: Way<Product> = { along: "n", granule: PANEL_COLUMNS, moves: { first: 1, c: 4 } };
    const byDepth: Way<Product> = {
      along: "k",
      granule: BLOCK_DEPTH,
      moves: { a: transposed ? 4 * lda : 4, packedB: panels(width) * panelRow(form) },
      after: { accumulate: 1 },
    };
    if (threads > 1)
      return m >= MANY_ROWS * threads || panels(n) < threads ? [byRows, byColumns] : [byColumns, byRows];
    return isWide(args) ? [byDepth, byColumns, byRows] : [byRows, byDepth, byColumns];
  },
};

/** Rows at whose multiples the parts of threads begin. */
export function rowGranule(m: number, transposed: boolean, threads: number): number {
  return transposed && m >= 8 * SHORT_ROWS * threads ? SHORT_ROWS : TILE_ROWS;
}

/**
 * Whether slices of rows would read a large B again and again, where blocks of it read it once. Columns of a transposed
 * A are packed anew for each block: rows are better where B is small.
 */
function isWide({ m, n, k, transposed }: Product): boolean {
  if (transposed && k * n <= NEAR) return false;
  return k > BLOCK_DEPTH ? 3 * SLICE * SPEED >= 4 * m * n * BLOCK_DEPTH : n > 4 * m;
}

/** Packing; `across` and `along` are the bytes from one column, or row of the depth, of B to the next. */
export function packing(
  bytes: (args: Signatures["packRows"]) => readonly [across: number, along: number],
): Cut<Signatures["packRows"]> {
  return {
    cost: ({ k, n }) => 0.4 * k * n,
    ways(args) {
      const [across, along] = bytes(args);
      return [
        { along: "n", granule: PANEL_COLUMNS, moves: { first: 1, b: across } },
        {
          along: "k",
          granule: BLOCK_DEPTH,
          moves: { packed: panels(args.width) * panelRow(args.form), b: along },
        },
      ];
    },
  };
}

/** A piece of a call, from one unit on. */
export function pieceOf<A extends Record<string, number>>(
  args: A,
  { along, moves, after }: Way<A>,
  from: number,
  units: number,
): A {
  const piece: Record<string, number> = { ...args };
  for (const name in moves) piece[name] += from * moves[name]!;
  if (from > 0) Object.assign(piece, after);
  piece[along as string] = units;
  return piece as A;
}
