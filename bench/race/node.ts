/**
 * @module svi-lm's side of a race as a process: answers every line of seconds with the points since. With 256-bit code
 * where it helps, as the command line has by default.
 */
import "../../src/kernels/embedded.ts";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { useWideKernels } from "../../src/entries/node.ts";
import { Racer } from "./racer.ts";

const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);
const folder = process.argv[2];

async function tokens(name: string): Promise<Int32Array> {
  const bytes = await readFile(join(folder, name));
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4).slice();
}

const wide = await useWideKernels();
const job = JSON.parse(await readFile(join(folder, "job.json"), "utf8"));
const racer = await Racer.create(job.own, await tokens("train.bin"), await tokens("valid.bin"));
say({ ready: true, version: `svi-lm, Node ${process.version}${wide.available ? ", 256-bit code" : ""}` });
for await (const line of createInterface({ input: process.stdin })) say(await racer.turn(Number(line)));
