/** @module What a worker of Node runs, as text. Empty here: the package's build puts thread.ts there, bundled. */
export const workerText: string = "";
