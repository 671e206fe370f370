/** @module Wrong usage of the command line. */

/** Exit 2. */
export class UsageError extends Error {}
