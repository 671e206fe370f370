/** @module svi-lm/worker for Node, Deno and Bun, where the condition `node` leads to it. */

export { connect } from "../worker/connectNode.ts";
export * from "./worker.ts";
