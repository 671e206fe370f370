/** @module Stands for node:fs/promises in examples: files that the site lends, and what the example wrote itself. */

const written = new Map<string, Uint8Array>();
let site = "";

/** Says at which address the site stands. */
export function lendFrom(address: string): void {
  site = address;
}

/** Keeps a file for as long as the example runs. */
export async function writeFile(name: string, content: string | Uint8Array): Promise<void> {
  written.set(name, typeof content === "string" ? new TextEncoder().encode(content) : content.slice());
}

export async function readFile(name: string): Promise<Uint8Array>;
export async function readFile(name: string, encoding: "utf8"): Promise<string>;
export async function readFile(name: string, encoding?: "utf8"): Promise<Uint8Array | string> {
  const bytes = written.get(name) ?? (await lent(name));
  return encoding ? new TextDecoder().decode(bytes) : bytes;
}

async function lent(name: string): Promise<Uint8Array> {
  const response = await fetch(new URL(`samples/${name}`, site)).catch(() => null);
  if (response?.ok) return new Uint8Array(await response.arrayBuffer());
  throw new Error(
    response ? `The site has no ${name}` : `${name} was not kept on this device yet: connect, and run again`,
  );
}
