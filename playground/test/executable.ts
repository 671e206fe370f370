/** @module Where a program is installed. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** The path of the first of these names that can be run, or null. */
export function executable(names: readonly string[]): string | null {
  for (const name of names)
    for (const folder of (process.env.PATH ?? "").split(delimiter)) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Perhaps in another folder.
      }
    }
  return null;
}
