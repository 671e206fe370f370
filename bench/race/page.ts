/** @module svi-lm's side of a race as a page: asks the server that it came from for its next turn. */
import "../../src/kernels/embedded.ts";
import { Racer } from "./racer.ts";

async function tokens(name: string): Promise<Int32Array> {
  return new Int32Array(await (await fetch(name)).arrayBuffer());
}

/** Sends an answer; what comes back, once it is this page's turn, are the seconds of the turn. */
async function answer(value: unknown): Promise<number> {
  const response = await fetch("/answer", { method: "POST", body: JSON.stringify(value) });
  return Number(await response.text());
}

async function race(): Promise<void> {
  const { own } = await (await fetch("/job.json")).json();
  const racer = await Racer.create(own, await tokens("/train.bin"), await tokens("/valid.bin"));
  let seconds = await answer({ ready: true, version: `svi-lm, ${navigator.userAgent}` });
  while (seconds > 0) seconds = await answer(await racer.turn(seconds));
}

race().catch((error) => answer({ problem: String(error?.stack ?? error) }));
