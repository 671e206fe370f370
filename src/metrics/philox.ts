/** @module Philox4x32-10 (Salmon et al. 2011) in exact arithmetic: random numbers by their index, for resampling. */

/** Four words of 32 bits for one counter. */
export function philox(counter: readonly number[], key: readonly number[]): number[] {
  let [a, b, c, d] = counter;
  let [k, l] = key;
  for (let round = 0; round < 10; round++) {
    const [highA, lowA] = multiply(0xd2511f53, a);
    const [highC, lowC] = multiply(0xcd9e8d57, c);
    [a, b, c, d] = [(highC ^ b ^ k) >>> 0, lowC, (highA ^ d ^ l) >>> 0, lowA];
    k = (k + 0x9e3779b9) >>> 0;
    l = (l + 0xbb67ae85) >>> 0;
  }
  return [a, b, c, d];
}

/** The product of two words of 32 bits, high and low: in parts that a double holds exactly. */
function multiply(x: number, y: number): [number, number] {
  const low = x * (y & 0xffff);
  const middle = x * (y >>> 16) + Math.floor(low / 65536);
  return [Math.floor(middle / 65536), Math.imul(x, y) >>> 0];
}
