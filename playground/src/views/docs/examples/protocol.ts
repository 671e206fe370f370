/** @module What the page and the worker that runs its examples tell each other. */

/** To the worker: run the program up to a block, which it may have reached already. */
export interface Wish {
  readonly program: string;
  readonly until: number;
  /** The address that files are lent from. */
  readonly site: string;
}

/** From the worker. */
export type News =
  | { readonly printed: string; readonly block: number }
  /** Every block before this one has ended. */
  | { readonly reached: number }
  | { readonly ended: true }
  | { readonly problem: string; readonly remedy: string; readonly block: number };
