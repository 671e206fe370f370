/** @module Places in a kernel's memory. */

/** Bytes from the beginning of the memory. */
export type Address = number;
