/** @module What went wrong with the model in use, and a way out where its worker was lost. */
import { current } from "../engine/current.ts";
import { isLost } from "../engine/engines.ts";
import { revive } from "../engine/opening.ts";
import { noticeOf } from "./notice.ts";

export function modelTrouble(error: unknown): HTMLElement {
  if (!isLost(error)) return noticeOf(error);
  const lost = current.value;
  const again = () => {
    // Another is in use by now: its worker is another too.
    if (current.value !== lost) return element.remove();
    revive().then(
      () => element.remove(),
      (failure) => element.replaceWith(modelTrouble(failure)),
    );
  };
  const element = noticeOf(error, [{ label: "Start it again", run: again }]);
  return element;
}
