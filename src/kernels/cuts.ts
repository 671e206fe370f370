/**
 * @module What is known of each kernel besides its arithmetic: how long a call takes, and along which of its arguments
 * it may be cut, for slices of bounded work and for threads alike. A cut is along outputs, or continues a sum where
 * the kernel itself would begin its next block: no number of pieces changes a bit.
 */
import type { Signatures } from "./generated/signatures.ts";

export type Kernel = Exclude<keyof Signatures, "heapBase">;

/** Names of arguments and how much each moves: addresses by bytes, others by ones. */
type Moves<A> = { readonly [P in keyof A]?: number };

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
const SPEED = 40;
/** Random numbers are drawn sixteen at a time; whole cache lines for everything else. */
const ELEMENTS = 1024;

/** Flat arrays of `n` elements. */
function elements<A extends { readonly n: number }>(
  nanoseconds: number,
  moves: (args: NoInfer<A>) => Moves<NoInfer<A>>,
): Cut<A> {
  return {
    cost: ({ n }) => nanoseconds * n,
    ways: (args) => [{ along: "n", granule: ELEMENTS, moves: moves(args) }],
  };
}

function sum<A extends { readonly n: number }>(
  nanoseconds: number,
  moves: Moves<NoInfer<A>>,
  combine = (a: number, b: number) => a + b,
): Cut<A> {
  return {
    cost: ({ n }) => nanoseconds * n,
    ways: () => [{ along: "n", granule: SUM_BLOCK, moves }],
    combine,
  };
}

/** Rows, each of which costs as much. */
function rows<A extends { readonly rows: number }>(
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
function lanes<A extends { readonly batch: number; readonly hidden: number }>(
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

const gemm: Cut<Product> = {
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
function rowGranule(m: number, transposed: boolean, threads: number): number {
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

const gemmPair: Cut<Signatures["gemmPair"]> = {
  cost: ({ m, n, n2, k }) => (2 * m * (n + n2) * k) / SPEED,
  own: "scratch",
  ways: ({ m, ldc, ldc2 }, threads) => [
    {
      along: "m",
      granule: threads === 1 ? SHORT_ROWS : rowGranule(m, true, threads),
      moves: { a: 4, c: 4 * ldc, c2: 4 * ldc2 },
    },
  ],
};

/** Packing; `across` and `along` are the bytes from one column, or row of the depth, of B to the next. */
function packing(
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

type Cuts = { readonly [K in Kernel]?: Cut<Signatures[K]> };

/** Kernels that are missing here are short, or for tests and benches alone. */
export const CUTS: Cuts = {
  sampleNatural: elements(3.3, () => ({ theta: 4, mean: 4, h: 4, firstElement: 1 })),
  sampleMeanField: elements(5, () => ({ theta: 4, mean: 4, rho: 4, firstElement: 1 })),
  precisionArray: elements(0.5, () => ({ out: 4, h: 4 })),
  deviationArray: elements(2, () => ({ out: 4, rho: 4 })),
  axpby: elements(0.4, () => ({ out: 4, x: 4 })),
  averageInto: elements(0.4, () => ({ average: 4, x: 4 })),
  meanFieldGradient: elements(5, () => ({ gMean: 4, gRho: 4, theta: 4, mean: 4, rho: 4 })),
  meanFieldFinish: elements(5, () => ({ gMean: 4, gSd: 4, mean: 4, rho: 4 })),
  meanFieldAccumulate: elements(3, () => ({ gMeanSum: 4, gSdSum: 4, theta: 4, mean: 4, rho: 4, g: 4 })),
  sgdStep: elements(0.4, () => ({ w: 4, u: 4, g: 4 })),
  adamStep: elements(1.8, () => ({ w: 4, m: 4, v: 4, g: 4 })),
  ivonStep: elements(2.4, ({ g, price }) => ({
    mean: 4,
    h: 4,
    u: 4,
    theta: 4,
    g: g && 4,
    price: price && 4,
  })),
  anchorGradient: elements(0.8, () => ({ g: 4, mean: 4, anchor: 4, precision: 4 })),
  accumulateParticle: elements(1, () => ({ gSum: 4, price: 4, theta: 4, mean: 4, g: 4 })),
  sumSquares: sum(0.15, { g: 4 }),
  klNatural: sum(1.5, { mean: 4, h: 4 }),
  klMeanField: sum(3, { mean: 4, rho: 4 }),
  mixtureGradient: sum(6, { g: 4, theta: 4 }),
  entropyMeanField: sum(3, { rho: 4 }),
  isFiniteArray: sum(0.15, { x: 4 }, Math.min),
  maxAbs: sum(0.15, { x: 4 }, Math.max),
  addProbabilities: {
    cost: ({ count }) => 0.4 * count,
    ways: () => [{ along: "count", granule: ELEMENTS, moves: { sum: 4, p: 4 } }],
  },
  copyBytes: {
    cost: ({ bytes }) => 0.1 * bytes,
    ways: () => [{ along: "bytes", granule: 4096, moves: { out: 1, x: 1 } }],
  },
  fillZero: {
    cost: ({ bytes }) => 0.05 * bytes,
    ways: () => [{ along: "bytes", granule: 4096, moves: { out: 1 } }],
  },
  gatherRows: rows(
    ({ width }) => 0.15 * width,
    ({ width }) => ({ out: 4 * width, ids: 4 }),
  ),
  // By columns first: rows may have an id in common.
  scatterAddRows: {
    cost: ({ count, width }) => 0.2 * count * width,
    ways: ({ stride }) => [
      { along: "width", granule: 16, moves: { table: 4, rows: 4 } },
      { along: "count", granule: 1, moves: { rows: 4 * stride, ids: 4 }, after: {} },
    ],
  },
  sumRows: {
    cost: ({ count, width }) => 0.15 * count * width,
    ways: ({ stride }) => [
      { along: "width", granule: 16, moves: { out: 4, rows: 4 } },
      { along: "count", granule: 1, moves: { rows: 4 * stride }, after: { accumulate: 1 } },
    ],
  },
  maskRows: rows(
    ({ width }) => 0.4 * width,
    ({ width }) => ({ out: 4 * width, x: 4 * width }),
    ({ batch }) => batch,
  ),
  keepRows: rows(
    ({ width }) => 0.1 * width,
    ({ width }) => ({ out: 4 * width, x: 4 * width, keep: 4 }),
  ),
  addRows: rows(
    ({ width }) => 0.15 * width,
    ({ width }) => ({ out: 4 * width, x: 4 * width }),
  ),
  rowSquares: rows(
    ({ width }) => 0.5 * width,
    ({ width }) => ({ out: 8, x: 4 * width }),
  ),
  rowLevels: rows(
    ({ width }) => 2 * width,
    ({ width }) => ({ inverses: 8, totals: 8, x: 4 * width }),
  ),
  scaleRows: rows(
    ({ width }) => 0.5 * width,
    ({ width }) => ({ x: 4 * width, factors: 8 }),
  ),
  crossEntropy: rows(
    ({ vocabulary }) => 2 * vocabulary,
    ({ stride }) => ({ logits: 4 * stride, targets: 4, nll: 4 }),
  ),
  probabilities: rows(
    ({ vocabulary }) => 2 * vocabulary,
    ({ stride }) => ({ logits: 4 * stride, targets: 4, nll: 4 }),
  ),
  addEntropy: rows(
    ({ stride }) => 2 * stride,
    ({ stride }) => ({ entropy: 4, p: 4 * stride }),
  ),
  scoreRows: rows(
    ({ stride }) => 0.5 * stride,
    ({ stride }) => ({ out: 16, p: 4 * stride, targets: 4 }),
  ),
  placeCluster: rows(
    ({ width }) => 0.4 * width,
    ({ outStride, stride, factorStride }) => ({
      out: 4 * outStride,
      p: 4 * stride,
      factors: 4 * factorStride,
    }),
  ),
  lstmForward: lanes(8.4, (width) => ({ gates: 4 * width, cPrev: width, c: width, h: width })),
  lstmBackward: lanes(5, (width) => ({ gates: 4 * width, cPrev: width, c: width, dh: width, dc: width })),
  gruForward: lanes(9, (width) => ({ gates: 3 * width, products: 3 * width, hPrev: width, h: width })),
  gruBackward: lanes(4, (width) => ({
    gates: 3 * width,
    products: 3 * width,
    hPrev: width,
    dh: width,
    carried: width,
  })),
  attend: rows(
    ({ width, stride }) => 0.1 * width * stride,
    ({ width, stride }) => ({
      out: 8 * width,
      weights: 4 * stride,
      x: 4 * width,
      places: 4 * stride,
      counts: 4,
    }),
  ),
  attendBackward: rows(
    ({ width, stride }) => 0.1 * width * stride,
    ({ width, stride }) => ({
      dx: 4 * width,
      slopes: 4 * stride,
      dOut: 8 * width,
      weights: 4 * stride,
      places: 4 * stride,
      counts: 4,
    }),
  ),
  // By columns first: rows read states in common.
  attendKeysBackward: {
    cost: ({ rows, width, stride }) => 0.15 * rows * width * stride,
    ways: ({ pitch, stride }) => [
      { along: "width", granule: 16, moves: { dx: 4, dOut: 4, x: 4 } },
      {
        along: "rows",
        granule: 1,
        moves: {
          dOut: 8 * pitch,
          slopes: 4 * stride,
          weights: 4 * stride,
          x: 4 * pitch,
          places: 4 * stride,
          counts: 4,
        },
        after: {},
      },
    ],
  },
  tanhArray: elements(2, () => ({ out: 4, x: 4 })),
  tanhBackward: elements(0.4, () => ({ dx: 4, y: 4 })),
  gemm,
  gemmPair,
  packColumns: packing(({ ldb }) => [4, 4 * ldb]),
  packRows: packing(({ ldb }) => [4 * ldb, 4]),
};

/** How a kernel is cut, where it is, whatever its arguments. */
export function cutOf(kernel: Kernel): Cut<Record<string, number>> | undefined {
  return CUTS[kernel] as Cut<Record<string, number>> | undefined;
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
