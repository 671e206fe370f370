/** @module What an example printed, compared with what its page states. */

/** Whether a text is what a page states, where `…` stands for any characters. */
export function matches(stated: string, text: string): boolean {
  const parts = stated.split("…").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${parts.join("[^]*?")}$`).test(text);
}
