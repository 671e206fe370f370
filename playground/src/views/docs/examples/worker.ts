/** @module Runs a program of the documentation, block by block as the page wishes, and tells what it prints. */
import { PROGRAMS } from "playground-examples";
import { SviError } from "svi-lm";
import { lendFrom } from "./files.ts";
import { printed } from "./printed.ts";
import type { News, Wish } from "./protocol.ts";

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<Wish>) => void;
  postMessage(news: News): void;
};
let block = 0;
let until = -1;
let wished: () => void = () => {};
let started = false;

const tell = (news: News) => scope.postMessage(news);

async function run(name: string): Promise<void> {
  const { default: program } = await PROGRAMS[name]();
  await program(before);
}

/** Programs wait for this before each of their blocks. */
async function before(next: number): Promise<void> {
  if (next > 0) tell({ reached: next });
  block = next;
  while (next > until) await new Promise<void>((resolve) => (wished = resolve));
}

for (const name of ["log", "info", "warn", "error", "debug"] as const)
  console[name] = (...values: unknown[]) => tell({ printed: printed(values), block });

function problemOf(error: unknown): News {
  if (error instanceof SviError) return { problem: error.problem, remedy: error.remedy, block };
  const problem = String((error as Error)?.message ?? error);
  return { problem, remedy: "Load the page again", block };
}

scope.onmessage = ({ data }) => {
  until = Math.max(until, data.until);
  lendFrom(data.site);
  wished();
  if (started) return;
  started = true;
  run(data.program).then(
    () => tell({ ended: true }),
    (error: unknown) => tell(problemOf(error)),
  );
};
