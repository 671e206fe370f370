/** @module The portable benchmark in a worker of its own: nothing else may share its thread. */
import "svi-lm";
import { benchmark } from "svi-lm/benchmark";

benchmark().then(
  (result) => postMessage({ result }),
  (error: Error) => postMessage({ problem: error.message }),
);
