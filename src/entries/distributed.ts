/** @module One run over many machines, by a job queue: the final model is a function of text, options and seed alone. */
export { type Board, type BoardOptions, openBoard } from "../distributed/board.ts";
export { type CoordinateOptions, coordinate } from "../distributed/coordinate.ts";
export type { RunEvent } from "../distributed/events.ts";
export { type FederateOptions, type FederationEvent, federate } from "../distributed/federated/serve.ts";
export type { RunOptions } from "../distributed/request.ts";
export { type ShardedOptions, trainSharded } from "../distributed/sharded.ts";
export { type ClusterStatus, clusterStatus, stopRun } from "../distributed/status.ts";
export { type WorkEvent, type WorkOptions, work } from "../distributed/work.ts";
