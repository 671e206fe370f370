import { expect, test } from "vitest";
import { tickLabels } from "../../playground/src/charts/ticks.ts";

test.each([
  [
    [2.5, 2.75, 3],
    ["2.50", "2.75", "3.00"],
  ],
  [
    [2, 2.5, 3],
    ["2.0", "2.5", "3.0"],
  ],
  [
    [1, 2],
    ["1.0", "2.0"],
  ],
  [
    [0.7, 0.7 + 0.02],
    ["0.70", "0.72"],
  ],
  [
    [0.1 + 0.2, 0.4],
    ["0.3", "0.4"],
  ],
  [
    [0.125, 0.25],
    ["0.125", "0.250"],
  ],
  [[], []],
])("ticks at %j say where they are", (values, labels) => expect(tickLabels(values)).toEqual(labels));
