/** @module Shading by uncertainty, for terminals of any background and any number of colours. */

/**
 * Black on a ground of its own, so that neither a light nor a dark terminal hides it; none for what the model was
 * sure of. 256 colours, then 16.
 */
const GROUNDS = {
  256: ["", "30;48;5;230", "30;48;5;222", "30;48;5;215", "30;48;5;209"],
  16: ["", "30;47", "30;43", "97;41"],
} as const;
/** Entropy at which the last one begins, as a share of the highest there is; a trained model stays well below. */
const DARKEST = 0.6;

export interface Shading {
  shade(text: string, entropy: number): string;
  /** What the grounds mean. */
  readonly legend: string;
}

/** @param highest entropy of guessing, in nats; null where the terminal shows no colours */
export function shadingFor(
  stream: NodeJS.WriteStream,
  highest: number,
  env: NodeJS.ProcessEnv = process.env,
): Shading | null {
  const colours = coloursOf(stream, env);
  if (colours === 0) return null;
  const grounds: readonly string[] = GROUNDS[colours];
  const step = (DARKEST * highest) / (grounds.length - 1);
  // A ground that spans a line's end would colour the rest of the line.
  const paint = (ground: string, text: string) =>
    ground ? text.replace(/[^\n]+/g, `\x1b[${ground}m$&\x1b[0m`) : text;
  const legend = grounds.map((ground, i) => paint(ground, ` ${(i * step).toFixed(1)} `)).join("");
  return {
    shade: (text, entropy) => paint(grounds[Math.min(grounds.length - 1, Math.floor(entropy / step))], text),
    legend: `${legend} nats of entropy and more`,
  };
}

/** Node takes the word of COLORTERM and of tmux against that of TERM, and gives a vt100 16 colours. */
function coloursOf(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): 0 | 16 | 256 {
  if (
    !stream.isTTY ||
    env.NO_COLOR ||
    /^(dumb|vt\d+.*)?$/.test(env.TERM ?? (process.platform === "win32" ? "x" : ""))
  )
    return 0;
  const depth = stream.getColorDepth(env);
  if (depth < 4) return 0;
  return depth < 8 ? 16 : 256;
}
