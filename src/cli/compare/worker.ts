/** @module A process that makes runs, one after the other, for the process that started it. */
import { type RunRecord, runOnce, type Setting, type Shape } from "../../comparison/run.ts";
import { useWideKernels } from "../../kernels/wide.ts";
import { explain } from "../explain.ts";
import { openTexts, type TextsSpec } from "./texts.ts";

/** The word that makes the program serve. */
export const WORKER = "compare-worker";

export interface Job {
  readonly texts: TextsSpec;
  readonly shape: Shape;
  readonly setting: Setting;
}

export type Message =
  | { readonly kind: "progress"; readonly share: number }
  | { readonly kind: "done"; readonly record: RunRecord }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

/** Serves until its parent goes. */
export function serve(): void {
  const send = (message: Message) => process.send!(message);
  const wide = useWideKernels();
  process.on("message", async ({ texts, shape, setting }: Job) => {
    let told = 0;
    const progress = (share: number) => {
      if (share - told < 0.02 && share < 1) return;
      told = share;
      send({ kind: "progress", share });
    };
    try {
      await wide;
      const record = await runOnce(await openTexts(texts), shape, setting, { progress });
      send({ kind: "done", record });
    } catch (error) {
      const { code, message } = explain(error);
      send({ kind: "failed", code, message });
    }
  });
  process.on("disconnect", () => process.exit(0));
  // Ctrl-C reaches the whole group: the parent decides what to do about it.
  process.on("SIGINT", () => {});
}
