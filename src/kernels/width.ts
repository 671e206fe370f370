/** @module Whether products take the tile that some engines make 256-bit code of: kernels/wide.ts decides it. */

/** Why not; null where they do. */
export const width: { reason: string | null } = { reason: "Not asked for" };
