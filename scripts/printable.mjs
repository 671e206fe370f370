// Bytes as printable text, which src/kernels/printable.ts reads.

const ALPHABET = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).filter(
  (character) => !"\"$'<\\`".includes(character),
);
const SINGLES = ALPHABET.length - 2;

/** The commonest bytes, which a character each stands for, in hexadecimal; then all bytes. */
export function printable(bytes) {
  const counts = new Array(256).fill(0);
  for (const byte of bytes) counts[byte]++;
  const common = [...counts.keys()].sort((a, b) => counts[b] - counts[a] || a - b).slice(0, SINGLES);
  const rare = [...counts.keys()].filter((byte) => !common.includes(byte));
  const texts = new Array(256);
  common.forEach((byte, i) => {
    texts[byte] = ALPHABET[i];
  });
  rare.forEach((byte, i) => {
    const first = SINGLES + Math.floor(i / ALPHABET.length);
    texts[byte] = ALPHABET[first] + ALPHABET[i % ALPHABET.length];
  });
  const head = common.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return head + Array.from(bytes, (byte) => texts[byte]).join("");
}
