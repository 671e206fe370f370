/** @module The lines of a file or of what is piped in, as they come, in bounded memory. */
import { createReadStream } from "node:fs";
import { SviError } from "../errors.ts";

/**
 * Lines without their ends, `\n` or `\r\n`. Of one that is longer than `longest` no more than one code unit beyond
 * that is given.
 * @param path undefined for the standard input
 * @throws SviError `E_FILE_MISSING`, `E_FILE_READ`
 */
export async function* linesOf(
  path: string | undefined,
  longest: number,
): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let rest = "";
  const line = (text: string) => text.replace(/\r$/, "").slice(0, longest + 1);
  try {
    for await (const chunk of path === undefined ? process.stdin : createReadStream(path)) {
      const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split("\n");
      rest = lines.pop()!.slice(0, longest + 2);
      for (const each of lines) yield line(each);
    }
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw new SviError(
      missing ? "E_FILE_MISSING" : "E_FILE_READ",
      missing ? `There is no file ${path}` : `${path ?? "The standard input"} cannot be read`,
      { value: path, remedy: "Give the path of a text, or pipe one in", cause },
    );
  }
  rest += decoder.decode();
  if (rest) yield line(rest);
}
