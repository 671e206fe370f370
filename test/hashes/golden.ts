/** What golden.json is made of. */
import { ask, casesOf, isAsked, type Library, train } from "./cases.ts";

/** @returns what every case comes to */
export async function golden(lib: Library) {
  const training: Record<string, string> = {};
  const predictions: Record<string, Record<string, string>> = {};
  for (const one of casesOf(lib)) {
    const name = `${one.shape}, ${one.method}, ${one.products}`;
    const { model, corpus, found } = await train(lib, one);
    training[name] = found;
    if (isAsked(one)) predictions[name] = await ask(lib, model, corpus);
  }
  return { training, predictions };
}
