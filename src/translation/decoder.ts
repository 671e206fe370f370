/**
 * @module Many texts translated side by side: sources are read and beams followed in rows of the same steps, and a text
 * that ends makes room for one that waits. What a text becomes does not depend on the others.
 */
import { PREDICTION } from "../kernels/calls.ts";
import { KernelInstance } from "../kernels/instance.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { MemoryPlan } from "../kernels/memory.ts";
import type { Seed } from "../kernels/random.ts";
import type { Quantization } from "../model/matrix.ts";
import type { Posterior } from "../model/posterior.ts";
import type { Slices } from "../model/work.ts";
import { requirePrediction } from "../prediction/model.ts";
import { RowEnsemble, rowsOf } from "../prediction/rowEnsemble.ts";
import { type Rows, StepRows } from "../prediction/stepRows.ts";
import { Beam, type BeamMath, type BeamOptions } from "./beam.ts";

export interface DecoderOptions extends BeamOptions {
  readonly samples: number;
  readonly quantized?: Quantization;
  /** Tokens that a target has at most, its end among them. */
  longest(sourceTokens: number): number;
  readonly memoryLimit?: number;
  readonly kernels?: Kernels;
}

/** A text in work. */
interface Work {
  readonly index: number;
  /** What is read before the target: separator and source. */
  readonly ids: Int32Array;
  at: number;
  /** Row of the last step that the source was read in. */
  row: number;
  beam: Beam | null;
}

export class Decoder {
  readonly #plan: MemoryPlan;
  readonly #rows: Rows;
  readonly #options: DecoderOptions;
  readonly #tokens: Int32Array;
  readonly #parents: Int32Array;

  /** @throws SviError `E_OPTION`, `E_MEMORY` */
  constructor(posterior: Posterior, options: DecoderOptions) {
    const { width, samples, quantized } = options;
    // Where rows are read one by one, more of them gain nothing.
    const rows = quantized ? width : Math.max(width, rowsOf(posterior, samples));
    this.#options = options;
    this.#plan = new MemoryPlan(new KernelInstance(PREDICTION, options.kernels), options.memoryLimit);
    this.#rows = quantized
      ? new StepRows(this.#plan, posterior, samples, { quantized }, rows)
      : new RowEnsemble(this.#plan, posterior, samples, rows);
    this.#plan.commit();
    this.#tokens = new Int32Array(rows);
    this.#parents = new Int32Array(rows);
  }

  /** Draws and packs the weights. */
  begin(seed: Seed): Slices {
    return this.#rows.begin(seed);
  }

  /** Ends the use of its kernels. */
  release(): void {
    this.#plan.instance.release();
  }

  /** @param ended gets each source's place and its beam once it has ended */
  *run(sources: readonly Int32Array[], ended: (index: number, beam: Beam) => void): Slices {
    const { width, end } = this.#options;
    const most = Math.floor(this.#rows.rows / width);
    let active: Work[] = [];
    let next = 0;
    while (active.length > 0 || next < sources.length) {
      for (; active.length < most && next < sources.length; next++) {
        const ids = Int32Array.of(end, ...sources[next]);
        active.push({ index: next, ids, at: 0, row: -1, beam: null });
      }
      yield* this.#step(active);
      active = active.filter(({ index, beam }) => {
        if (!beam || beam.choose()) return true;
        ended(index, beam);
        return false;
      });
      for (const work of active)
        if (!work.beam && work.at === work.ids.length) work.beam = this.#beamOf(work);
    }
  }

  #beamOf({ ids, row }: Work): Beam {
    const k: BeamMath = this.#plan.instance.exports;
    return new Beam(this.#options, k, row, this.#options.longest(ids.length - 1));
  }

  /** Reads a token of every source that is being read, and of every live beginning, whose rows come first. */
  #step(active: readonly Work[]): Slices {
    const owners: { readonly beam: Beam; readonly i: number }[] = [];
    let count = 0;
    const read = (token: number, parent: number) => {
      this.#tokens[count] = token;
      this.#parents[count] = parent;
      return count++;
    };
    for (const { beam } of active)
      for (const [i, { token, parent }] of beam?.live.entries() ?? []) {
        read(token, parent);
        owners.push({ beam: beam!, i });
      }
    const predicted = count;
    for (const work of active) if (!work.beam) work.row = read(work.ids[work.at++], work.row);
    return this.#rows.step(
      this.#tokens,
      this.#parents,
      count,
      (row, at) => {
        const figures = this.#rows.figures(at);
        requirePrediction(figures.entropy);
        owners[row].beam.follow(owners[row].i, row, figures);
      },
      predicted,
    );
  }
}
