// Bytes as the text that src/kernels/printable.ts reads: what occurs most is one character, everything else two. Texts
// of one `sample` write bytes alike, so that gzip finds in one what another has said.

const CHARACTERS = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).filter(
  (character) => !"\"$'<\\`".includes(character),
);
const SINGLE = CHARACTERS.length - 2;

export function textOfBytes(bytes, sample = bytes) {
  const counts = new Array(256).fill(0);
  for (const byte of sample) counts[byte]++;
  const all = [...counts.keys()];
  const singles = new Set(all.toSorted((a, b) => counts[b] - counts[a] || a - b).slice(0, SINGLE));
  const values = [...all.filter((byte) => singles.has(byte)), ...all.filter((byte) => !singles.has(byte))];
  const codes = [];
  values.forEach((byte, i) => {
    const rest = i - SINGLE;
    codes[byte] =
      rest < 0
        ? CHARACTERS[i + 2]
        : CHARACTERS[Math.floor(rest / CHARACTERS.length)] + CHARACTERS[rest % CHARACTERS.length];
  });
  let mask = "";
  for (let byte = 0; byte < 256; byte += 4)
    mask += [0, 1, 2, 3].reduce((sum, bit) => sum + (singles.has(byte + bit) ? 1 << bit : 0), 0).toString(16);
  return mask + Array.from(bytes, (byte) => codes[byte]).join("");
}
