/** @module The lines of a file or of what is piped in, as they come, in bounded memory. */
import { createReadStream } from "node:fs";
import { addAbortSignal } from "node:stream";
import { SviError } from "../errors.ts";

/**
 * Lines without their ends, `\n` or `\r\n`. Of one that is longer than `longest` no more than one code unit beyond
 * that is given.
 * @param path undefined for the standard input
 * @throws SviError `E_FILE_MISSING`, `E_FILE_READ`; the signal's reason, also while nothing comes
 */
export async function* linesOf(
  path: string | undefined,
  longest: number,
  signal: AbortSignal,
): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let rest = "";
  const line = (text: string) => text.replace(/\r$/, "").slice(0, longest + 1);
  // Destroyed by the signal: a terminal or a pipe that is waited for would keep the process from ending.
  const stream = addAbortSignal(signal, path === undefined ? process.stdin : createReadStream(path));
  try {
    for await (const chunk of stream) {
      const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split("\n");
      rest = lines.pop()!.slice(0, longest + 2);
      for (const each of lines) yield line(each);
    }
  } catch (cause) {
    signal.throwIfAborted();
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
