/** @module Threads on shared memory, for whoever asks for them: the same bits as one thread, sooner. */
export type { ThreadWorker } from "../kernels/threads/host.ts";
export { type ThreadedKernels, type ThreadsOptions, threads } from "../kernels/threads/threads.ts";
