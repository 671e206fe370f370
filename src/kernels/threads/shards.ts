/**
 * @module How each kernel is split over threads: by its outputs, never along a sum, so that no number of threads can
 * change a bit. A sum over a flat array is one of fixed blocks, each added up by itself, then all in their order.
 */
import type { KernelExports } from "../exports.ts";
import { kernelsOfForm, type ProductForm } from "../forms.ts";
import { MOST_PIECES, MOST_RESULTS } from "./control.ts";
import type { Attachment, ThreadPool } from "./pool.ts";
import { stepsBackward, stepsForward } from "./steps.ts";

type Name = Exclude<keyof KernelExports, "memory" | "heapBase">;
type Arguments = readonly number[];

/** A kernel whose units (elements, rows) are independent of each other. */
interface Split {
  /** Which argument counts the units. */
  readonly count: number;
  /** Parts begin at multiples of so many units. */
  readonly granule: (args: Arguments) => number;
  /** How much each argument moves from one unit to the next. */
  readonly strides: (args: Arguments) => Arguments;
  /** Nanoseconds a unit, roughly: what is short is not worth a dispatch. */
  readonly cost: (args: Arguments) => number;
}

/** A part is at least so long; a dispatch costs about one microsecond. */
const LEAST_NANOSECONDS = 5000;
/** Pieces that any thread may take are at least so long, and parts that are cut into them four times that. */
const PIECE_NANOSECONDS = 20_000;
/** Of work that is cut into pieces, what is each part's own to begin with. */
const RESERVED = 0.75;
/** Random numbers are drawn so many at a time; whole cache lines for everything else. */
const ELEMENTS = 1024;
/** Elements whose terms are added in f32: SUM_BLOCK of assembly/norm.ts. */
const SUM_BLOCK = 4096;
/** Rows of a product's tile: parts begin where tiles do. */
const TILE_ROWS = 5;
/** The same for many rows of a transposed A, which are packed so many at a time: SHORT_ROWS of assembly/gemm.ts. */
const SHORT_ROWS = 40;
/** From so many rows a thread on rows are split, and not columns. */
const MANY_ROWS = 80;
/** Columns that a product of one row takes at a time. */
const ROW_COLUMNS = 32;
/** Floating-point operations a nanosecond. */
const SPEED = 40;

/** Flat arrays at the arguments named; `first` counts their elements. */
function elements(count: number, pointers: Arguments, cost: number, first = -1): Split {
  const strides: number[] = Array.from({ length: count + 1 }, (_, i) => (pointers.includes(i) ? 4 : 0));
  if (first >= 0) strides[first] = 1;
  return {
    count,
    granule: () => ELEMENTS,
    // An address of 0 means that there is no array.
    strides: (args) => args.map((value, i) => (value === 0 && i !== first ? 0 : (strides[i] ?? 0))),
    cost: () => cost,
  };
}

function rows(
  count: number,
  strides: (args: Arguments) => Arguments,
  cost: (args: Arguments) => number,
  granule: (args: Arguments) => number = () => 1,
): Split {
  return { count, granule, strides, cost };
}

const SPLITS: Partial<Record<Name, Split>> = {
  sampleNatural: elements(3, [0, 1, 2], 3.3, 6),
  sampleMeanField: elements(3, [0, 1, 2], 5, 5),
  precisionArray: elements(2, [0, 1], 0.5),
  deviationArray: elements(2, [0, 1], 2),
  axpby: elements(4, [0, 2], 0.4),
  averageInto: elements(2, [0, 1], 0.4),
  meanFieldGradient: elements(5, [0, 1, 2, 3, 4], 5),
  meanFieldFinish: elements(4, [0, 1, 2, 3], 5),
  meanFieldAccumulate: elements(6, [0, 1, 2, 3, 4, 5], 3),
  sgdStep: elements(3, [0, 1, 2], 0.4),
  adamStep: elements(4, [0, 1, 2, 3], 1.8),
  ivonStep: elements(6, [0, 1, 2, 3, 4, 5], 2.4),
  accumulateParticle: elements(5, [0, 1, 2, 3, 4], 1),
  addProbabilities: elements(2, [0, 1], 0.4),
  copyBytes: { count: 2, granule: () => 4096, strides: () => [1, 1], cost: () => 0.1 },
  fillZero: { count: 1, granule: () => 4096, strides: () => [1], cost: () => 0.05 },
  gatherRows: rows(
    3,
    ([, , , , width]) => [4 * width, 0, 4],
    ([, , , , width]) => 0.15 * width,
  ),
  // By columns: rows may have an id in common.
  scatterAddColumns: rows(
    4,
    () => [4, 4],
    ([, , , count]) => 0.2 * count,
    () => 16,
  ),
  sumRows: rows(
    3,
    () => [4, 4],
    ([, , count]) => 0.15 * count,
    () => 16,
  ),
  maskRows: rows(
    3,
    ([, , , , , width]) => [4 * width, 4 * width],
    ([, , , , , width]) => 0.4 * width,
    ([, , , , batch]) => batch,
  ),
  keepRows: rows(
    3,
    ([, , , , width]) => [4 * width, 4 * width, 4],
    ([, , , , width]) => 0.1 * width,
  ),
  lstmForward: rows(
    5,
    ([, , , , , , hidden]) => [16 * hidden, 0, 4 * hidden, 4 * hidden, 4 * hidden],
    ([, , , , , , hidden]) => 8.4 * hidden,
  ),
  lstmBackward: rows(
    5,
    ([, , , , , , hidden]) => [16 * hidden, 4 * hidden, 4 * hidden, 4 * hidden, 4 * hidden],
    ([, , , , , , hidden]) => 5 * hidden,
  ),
  crossEntropy: rows(
    4,
    ([, , , , , , stride]) => [4 * stride, 0, 4, 4],
    ([, , , , , vocabulary]) => 2 * vocabulary,
  ),
  probabilities: rows(
    4,
    ([, , , , , , stride]) => [4 * stride, 0, 4, 4],
    ([, , , , , vocabulary]) => 2 * vocabulary,
  ),
  addEntropy: rows(
    2,
    ([, , , stride]) => [4, 4 * stride],
    ([, , , stride]) => 2 * stride,
  ),
  scoreRows: rows(
    3,
    ([, , , , stride]) => [16, 4 * stride, 4],
    ([, , , , stride]) => 0.5 * stride,
  ),
};

/** Kernels that return a sum over a flat array, or its greatest or least element. */
const SUMS: Partial<Record<Name, Split & { readonly combine: (a: number, b: number) => number }>> = {
  sumSquares: { ...elements(1, [0], 0.15), combine: add },
  klNatural: { ...elements(2, [0, 1], 1.5), combine: add },
  klMeanField: { ...elements(2, [0, 1], 3), combine: add },
  mixtureGradient: { ...elements(2, [0, 1], 6), combine: add },
  entropyMeanField: { ...elements(1, [0], 3), combine: add },
  isFiniteArray: { ...elements(1, [0], 0.15), combine: Math.min },
  maxAbs: { ...elements(1, [0], 0.15), combine: Math.max },
};

/** Kernels of one form of products: an instance's own by the names that they have in common, and where each is. */
interface Form {
  readonly own: KernelExports;
  readonly index: (name: Name) => number;
}

/** A layer over several time steps. */
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

function add(a: number, b: number): number {
  return a + b;
}

/** What a kernel that has the same name in both forms is exported as. */
function nameIn(form: ProductForm, name: string): string {
  return form === "int16" ? `${name}16` : name;
}

/** Where part `p` of `parts` begins; where part `parts` would is the end. */
function edge(p: number, parts: number, size: number, granule: number): number {
  return Math.min(size, Math.floor((Math.ceil(size / granule) * p) / parts) * granule);
}

/**
 * Where the pieces of `size` units begin, and the end. First one for each part; where the units of `nanoseconds` make
 * parts that are long enough, these are three quarters of them, and the rest is cut finer and finer for whoever is
 * early.
 */
function edges(parts: number, size: number, granule: number, nanoseconds: number): number[] {
  const granules = Math.ceil(size / granule);
  const least = Math.ceil(PIECE_NANOSECONDS / (granule * nanoseconds));
  const cut = granules >= 4 * least * parts;
  const found = Array.from({ length: parts }, (_, p) =>
    Math.floor(((granules * p) / parts) * (cut ? RESERVED : 1)),
  );
  if (cut)
    for (let at = Math.floor(granules * RESERVED); at < granules && found.length < MOST_PIECES; ) {
      found.push(at);
      at += Math.max(least, Math.floor((granules - at) / (2 * parts)));
    }
  found.push(granules);
  return found.map((at) => Math.min(size, at * granule));
}

/** An instance's kernels, each call of some length done by all threads that are there. */
export class Shards {
  readonly #pool: ThreadPool;
  readonly #attachment: Attachment;
  readonly #own: KernelExports;
  readonly #index: ReadonlyMap<string, number>;
  readonly #panel: number;
  readonly #depth: number;
  readonly #scratch: number;

  constructor(pool: ThreadPool, attachment: Attachment, own: KernelExports, names: readonly string[]) {
    this.#pool = pool;
    this.#attachment = attachment;
    this.#own = own;
    this.#index = new Map(names.map((name, i) => [name, i]));
    this.#panel = own.panelColumns();
    this.#depth = own.blockDepth();
    this.#scratch = Math.ceil(own.gemmScratchSize() / 64) * 64;
  }

  /** Kernels that are not split are the instance's own. */
  get exports(): KernelExports {
    const split: Partial<Record<string, unknown>> = { ...this.#own };
    for (const [name, how] of Object.entries(SPLITS)) split[name] = this.#split(name as Name, how);
    for (const [name, how] of Object.entries(SUMS)) split[name] = this.#sum(name as Name, how, how.combine);
    const rowsOfLosses = split.crossEntropy as KernelExports["crossEntropy"];
    const shared: Partial<KernelExports> = {
      gemmScratchSize: () => this.#scratch * this.#pool.count,
      scatterAddRows: (table, from, ids, count, width) =>
        (split as unknown as KernelExports).scatterAddColumns(table, from, ids, count, width, width),
      crossEntropy: (...args) => {
        rowsOfLosses(...args);
        return this.#total(args[3], args[4]);
      },
      gemv: (...args) => this.#gemv(args),
    };
    const all = Object.assign(split, shared) as unknown as KernelExports;
    for (const form of ["float32", "int16"] as const)
      for (const [name, kernel] of Object.entries(this.#products(form, all)))
        (all as unknown as Record<string, unknown>)[nameIn(form, name)] = kernel;
    return all;
  }

  /** The products of a form, by the names that both have. @param all the kernels, once they are complete */
  #products(name: ProductForm, all: KernelExports): Partial<KernelExports> {
    const form: Form = {
      own: kernelsOfForm(this.#own, name),
      index: (kernel) => this.#index.get(nameIn(name, kernel))!,
    };
    return {
      packColumns: this.#pack(form, "packColumns", (k0, j0, ldb) => 4 * (k0 * ldb + j0)),
      packRows: this.#pack(form, "packRows", (k0, j0, ldb) => 4 * (j0 * ldb + k0)),
      gemm: (...args) => this.#gemm(form, args),
      gemmPair: (...args) => this.#gemmPair(form, args),
      recurrentForward: (...args) => {
        if (!this.#recurrent(form, "recurrentForward", args, FORWARD_LANES))
          stepsForward(kernelsOfForm(all, name), args);
      },
      recurrentBackward: (...args) => {
        if (!this.#recurrent(form, "recurrentBackward", args, BACKWARD_LANES))
          stepsBackward(kernelsOfForm(all, name), args);
      },
    };
  }

  /** The sum of losses as the kernel adds them up: in double precision, one row after another. */
  #total(nll: number, rows: number): number {
    const losses = new Float32Array(this.#own.memory.buffer, nll, rows);
    let total = 0;
    for (let r = 0; r < rows; r++) total += losses[r];
    return total;
  }

  /** Parts for work of `nanoseconds` that has so many pieces. */
  #parts(nanoseconds: number, pieces: number): number {
    const most = Math.min(this.#pool.count, pieces, Math.floor(nanoseconds / LEAST_NANOSECONDS));
    return most < 2 ? 1 : this.#pool.muster(this.#attachment, most);
  }

  #begin(part: number) {
    const task = this.#pool.task(part);
    task.begin(this.#attachment.id);
    return task;
  }

  #split(name: Name, { count, granule, strides, cost }: Split): (...args: number[]) => void {
    const kernel = this.#index.get(name)!;
    const own = this.#own[name] as (...args: number[]) => void;
    return (...args) => {
      const size = args[count];
      const by = granule(args);
      const parts = this.#parts(size * cost(args), Math.ceil(size / by));
      if (parts === 1) return own(...args);
      const units = { kernel, args, moves: strides(args), count, own: -1, apart: 0 };
      this.#pool.share(this.#attachment, units, parts, edges(parts, size, by, cost(args)));
    };
  }

  /** Blocks of a sum in rounds of what the results have room for, combined in the order of the blocks. */
  #sum(
    name: Name,
    { count, strides, cost }: Split,
    combine: (a: number, b: number) => number,
  ): (...args: number[]) => number {
    const kernel = this.#index.get(name)!;
    const own = this.#own[name] as (...args: number[]) => number;
    return (...args) => {
      const size = args[count];
      const blocks = Math.ceil(size / SUM_BLOCK);
      if (this.#parts(size * cost(args), blocks) === 1) return own(...args);
      const moves = args.map((_, i) => SUM_BLOCK * (strides(args)[i] ?? 0));
      let total: number | null = null;
      for (let first = 0; first < blocks; ) {
        const round = Math.min(blocks - first, MOST_RESULTS);
        const parts = this.#parts(SUM_BLOCK * round * cost(args), round);
        for (let p = 0; p < parts; p++) {
          const from = first + edge(p, parts, round, 1);
          const to = first + edge(p + 1, parts, round, 1);
          const task = this.#begin(p);
          const whole = Math.min(to, blocks - 1);
          const at = (block: number, elements: number) =>
            args.map((value, i) => (i === count ? elements : value + block * moves[i]));
          if (whole > from) task.repeat(kernel, at(from, SUM_BLOCK), whole - from, moves, true);
          if (to === blocks) task.repeat(kernel, at(to - 1, size - (to - 1) * SUM_BLOCK), 1, moves, true);
        }
        this.#pool.run(this.#attachment, parts);
        for (let p = 0; p < parts; p++) {
          const results = this.#pool.resultsOf(p);
          const found = edge(p + 1, parts, round, 1) - edge(p, parts, round, 1);
          for (let i = 0; i < found; i++) total = total === null ? results[i] : combine(total, results[i]);
        }
        first += round;
      }
      return total ?? own(...args);
    };
  }

  /** Deep matrices by blocks of the depth, which are whole in the packed form; wide ones by panels. */
  #pack(
    { own, index }: Form,
    name: "packColumns" | "packRows",
    offset: (k0: number, j0: number, ldb: number) => number,
  ): KernelExports["packRows"] {
    const kernel = index(name);
    return (packed, b, ldb, k, n) => {
      const blocks = Math.ceil(k / this.#depth);
      const panels = Math.ceil(n / this.#panel);
      const deep = blocks >= 4 * this.#pool.count || blocks > panels;
      const parts = this.#parts(0.4 * k * n, deep ? blocks : panels);
      if (parts === 1) return own[name](packed, b, ldb, k, n);
      for (let p = 0; p < parts; p++) {
        const task = this.#begin(p);
        if (deep) {
          const k0 = edge(p, parts, k, this.#depth);
          const depth = edge(p + 1, parts, k, this.#depth) - k0;
          task.call(kernel, [packed + 4 * own.packedSize(n, k0), b + offset(k0, 0, ldb), ldb, depth, n]);
          continue;
        }
        const j0 = edge(p, parts, n, this.#panel);
        const columns = edge(p + 1, parts, n, this.#panel) - j0;
        for (const [k0, depth, repeats] of this.#blocks(k)) {
          const to = packed + 4 * (own.packedSize(n, k0) + (j0 / this.#panel) * own.packedSize(1, depth));
          const args = [to, b + offset(k0, j0, ldb), ldb, depth, columns];
          task.repeat(kernel, args, repeats, [4 * own.packedSize(n, depth), offset(depth, 0, ldb), 0, 0, 0]);
        }
      }
      this.#pool.run(this.#attachment, parts);
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
    const threads = this.#pool.count;
    const panels = Math.ceil(n / this.#panel);
    const byRows = m >= MANY_ROWS * threads || panels < threads;
    const pieces = byRows ? Math.ceil(m / TILE_ROWS) : panels;
    const parts = this.#parts((2 * m * n * k) / SPEED, pieces);
    if (parts === 1) {
      form.own.gemm(...args);
      return;
    }
    if (byRows) {
      this.#gemmRows(form, args, parts);
      return;
    }
    for (let p = 0; p < parts; p++) this.#gemmPanels(form, args, p, parts);
    this.#pool.run(this.#attachment, parts);
  }

  #gemmRows({ index }: Form, args: Parameters<KernelExports["gemm"]>, parts: number): void {
    const [m, n, k, , lda, transposed, , , ldc] = args;
    const moves = [0, 0, 0, 4 * (transposed ? 1 : lda), 0, 0, 0, 4 * ldc];
    const units = { kernel: index("gemm"), args, moves, count: 0, own: 10, apart: this.#scratch };
    const granule = transposed ? this.#granule(m, parts) : TILE_ROWS;
    this.#pool.share(this.#attachment, units, parts, edges(parts, m, granule, (2 * n * k) / SPEED));
  }

  #gemmPair({ own, index }: Form, args: Parameters<KernelExports["gemmPair"]>): void {
    const [m, k, , , n, , , ldc, n2, , , ldc2] = args;
    const nanoseconds = (2 * k * (n + n2)) / SPEED;
    const parts = this.#parts(m * nanoseconds, Math.ceil(m / TILE_ROWS));
    if (parts === 1) {
      own.gemmPair(...args);
      return;
    }
    const moves = [0, 0, 4, 0, 0, 0, 4 * ldc, 0, 0, 0, 4 * ldc2];
    const units = { kernel: index("gemmPair"), args, moves, count: 0, own: 12, apart: this.#scratch };
    this.#pool.share(this.#attachment, units, parts, edges(parts, m, this.#granule(m, parts), nanoseconds));
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
    const task = this.#begin(p);
    for (const [k0, depth, repeats] of this.#blocks(k)) {
      const from = packedB + 4 * (own.packedSize(n, k0) + (j0 / this.#panel) * own.packedSize(1, depth));
      const adding = k0 > 0 ? 1 : accumulate;
      task.repeat(
        index("gemm"),
        [m, columns, depth, a + along * k0, lda, transposed, from, c + 4 * j0, ldc, adding, room],
        repeats,
        [0, 0, 0, along * depth, 0, 0, 4 * own.packedSize(n, depth), 0, 0, 0, 0],
      );
    }
  }

  /** By lanes, which depend on none but themselves. @returns false where that is not worth it */
  #recurrent({ own, index }: Form, name: Name, args: Arguments, { count, moves, hidden }: Lanes): boolean {
    const lanes = args[count];
    const steps = args[count + 1];
    const width = args[hidden];
    const parts = this.#parts((8 * lanes * steps * width * width) / SPEED, lanes);
    if (parts === 1) {
      (own[name] as (...args: number[]) => void)(...args);
      return true;
    }
    if (width > NEAR_HIDDEN || tiles(lanes) < LEAST_USE * parts * tiles(Math.ceil(lanes / parts)))
      return false;
    const units = {
      kernel: index(name),
      args,
      moves: moves.map((words, i) => (args[i] === 0 ? 0 : 4 * (words < 0 ? -words * width : words))),
      count,
      own: args.length - 1,
      apart: this.#scratch,
    };
    const starts = Array.from({ length: parts + 1 }, (_, p) => edge(p, parts, lanes, 1));
    this.#pool.share(this.#attachment, units, parts, starts);
    return true;
  }

  /** By columns. */
  #gemv(args: Parameters<KernelExports["gemv"]>): void {
    const [n, k, x, packedB, y, accumulate] = args;
    const parts = this.#parts((2 * n * k) / SPEED, Math.ceil(n / ROW_COLUMNS));
    if (parts === 1) {
      this.#own.gemv(...args);
      return;
    }
    const width = this.#own.packedSize(n, 1);
    for (let p = 0; p < parts; p++) {
      const j0 = edge(p, parts, n, ROW_COLUMNS);
      const columns = edge(p + 1, parts, n, ROW_COLUMNS) - j0;
      const task = this.#begin(p);
      for (const [k0, depth, repeats] of this.#blocks(k)) {
        const from = packedB + 4 * (k0 * width + j0 * depth);
        const at = [columns, depth, x + 4 * k0, from, y + 4 * j0, k0 > 0 ? 1 : accumulate];
        task.repeat(this.#index.get("gemv")!, at, repeats, [0, 0, 4 * depth, 4 * depth * width, 0, 0]);
      }
    }
    this.#pool.run(this.#attachment, parts);
  }
}
