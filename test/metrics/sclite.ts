/** sclite, of Debian's package sctk, and what its report says of each pair. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Reported {
  readonly correct: number;
  readonly substitutions: number;
  readonly deletions: number;
  readonly insertions: number;
  /** The alignment: C, S, D or I, with both words. */
  readonly path: string;
}

export const hasSclite = spawnSync("sctk", ["sclite"], { stdio: "ignore" }).status !== null;
if (!hasSclite) console.warn("sclite is not installed (Debian: sctk); comparisons with it are skipped");

/** @param pairs reference and hypothesis; @param flags of sclite's */
export function sclite(pairs: readonly (readonly [string, string])[], flags: readonly string[]): Reported[] {
  const folder = mkdtempSync(join(tmpdir(), "sclite-"));
  try {
    const id = (i: number) => `(s-${String(i).padStart(6, "0")})`;
    for (const [side, name] of ["r.trn", "h.trn"].entries())
      writeFileSync(join(folder, name), pairs.map((pair, i) => `${pair[side]} ${id(i)}\n`).join(""));
    const { stdout, status, stderr } = spawnSync(
      "sctk",
      ["sclite", ..."-r r.trn trn -h h.trn trn -i spu_id -o pra sgml stdout".split(" "), ...flags],
      { cwd: folder, encoding: "latin1", maxBuffer: 2 ** 30 },
    );
    if (status !== 0) throw new Error(`sclite: ${stderr}${stdout}`);
    const counts = [...stdout.matchAll(/^Scores: \(#C #S #D #I\) (\d+) (\d+) (\d+) (\d+)$/gm)];
    const paths = [...stdout.matchAll(/^<PATH id="\(s-(\d+)\)".*>\n(.*)\n?<\/PATH>$/gm)];
    const byId = new Map(paths.map(([, number, path]) => [Number(number), path]));
    return counts.map(([, c, s, d, i], index) => ({
      correct: Number(c),
      substitutions: Number(s),
      deletions: Number(d),
      insertions: Number(i),
      path: byId.get(index) ?? "",
    }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
