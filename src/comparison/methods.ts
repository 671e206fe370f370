/** @module The methods of a comparison: their names, what a person reads, and which of them are baselines. */

/** Those that every comparison has, and those that it may have as well, in the order of a report. */
export const METHOD_NAMES = [
  "sgd",
  "adam",
  "adamw",
  "map",
  "adam-average",
  "adam-four",
  "dropout",
  "dropout-adamw",
  "dropout-map",
  "bbb",
  "noiseless",
  "ivon",
  "ivon-average",
  "ivon-tuned",
  "ivon-short",
] as const;
export type MethodName = (typeof METHOD_NAMES)[number];

/** What is compared where it is asked for. */
export const ALSO = [
  "adamw",
  "map",
  "adam-average",
  "adam-four",
  "dropout-adamw",
  "dropout-map",
  "noiseless",
  "ivon-average",
] as const satisfies readonly MethodName[];
export type Also = (typeof ALSO)[number];

export const TITLES: Readonly<Record<MethodName, string>> = {
  sgd: "SGD with momentum",
  adam: "Adam",
  adamw: "AdamW, averaged",
  map: "MAP by Adam, averaged",
  "adam-average": "Adam, averaged",
  "adam-four": "four Adam runs",
  dropout: "variational dropout",
  "dropout-adamw": "dropout and AdamW, averaged",
  "dropout-map": "dropout and MAP, averaged",
  bbb: "Bayes by Backprop",
  noiseless: "IVON without noise, tuned",
  ivon: "IVON, no arguments",
  "ivon-average": "IVON, averaged",
  "ivon-tuned": "IVON, tuned",
  "ivon-short": "IVON, short schedule",
};

/** Point estimates that one run gives, without dropout and with it: the best of all of them is what SVI is held to. */
export const UNDROPPED = ["sgd", "adam", "adamw", "map", "adam-average"] as const;
export const DROPPED = ["dropout", "dropout-adamw", "dropout-map"] as const;
export type BaselineName = (typeof UNDROPPED)[number] | (typeof DROPPED)[number];
