/** @module The cells that recurrent layers can have. */
import type { Cell } from "./cell.ts";
import { gru } from "./gru.ts";
import { lstm } from "./lstm.ts";

export const CELLS = { lstm, gru };
export type CellName = keyof typeof CELLS;

export function cellOf(name: CellName): Cell {
  return CELLS[name];
}
