/** @module Packages that only who uses them installs. */
import { SviError } from "../errors.ts";

export function notInstalled(packages: readonly string[], cause: unknown): SviError {
  const [which, are] = packages.length === 1 ? ["package", "is"] : ["packages", "are"];
  return new SviError("E_HOST", `The ${which} ${packages.join(" and ")} ${are} not installed`, {
    remedy: `Run npm install ${packages.join(" ")}`,
    cause,
  });
}

/** Behind each import of such a package: bundlers leave out what is absent only where its import has a catch of its own. */
export function absent(cause: unknown): never {
  throw cause;
}
