/** @module What is told of a run while its tab is in the background, and once it is looked at again. */
import { percent } from "../parts/figures.ts";
import { type Duel, duel } from "./duel.ts";

const WORDS = {
  running: "",
  preparing: "",
  paused: "Paused",
  lost: "Interrupted",
  done: "Done",
  failed: "Stopped",
  idle: "",
};

/** In the tab's title stands how far a hidden run is; `tell` hears how far it came meanwhile. */
export function watchTab(run: Duel, signal: AbortSignal, tell: (words: string) => void): void {
  const title = document.title;
  let left: number | null = null;
  const changed = () => {
    if (document.hidden) {
      left ??= run.fraction;
      document.title = `${WORDS[run.phase] || percent(run.fraction)} · ${title}`;
      return;
    }
    if (left === null) return;
    document.title = title;
    if (run.fraction > left)
      tell(
        `It continued while this tab was in the background: from ${percent(left)} to ${percent(run.fraction)}.`,
      );
    left = null;
  };
  document.addEventListener("visibilitychange", changed, { signal });
  duel.watch(signal, changed);
}
