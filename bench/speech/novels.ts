/** @module Novels as speech is written down: upper case, letters and apostrophes, a sentence a line. */

const ACCENTS = /[\u0300-\u036f]/g;
const TITLES = [
  [/\bMr\./g, "Mister"],
  [/\bMrs\./g, "Missus"],
  [/\bDr\./g, "Doctor"],
  [/\bSt\./g, "Saint"],
] as const;

/** @param text with paragraphs between blank lines */
export function spokenLines(text: string): string {
  let plain = text.replace(/\r\n?/g, "\n").replace(/[‘’]/g, "'");
  plain = plain.replace(/æ/g, "ae").replace(/œ/g, "oe").normalize("NFD").replace(ACCENTS, "");
  for (const [title, spoken] of TITLES) plain = plain.replace(title, spoken);
  const lines: string[] = [];
  for (const paragraph of plain.toUpperCase().split(/\n\s*\n/))
    for (const sentence of paragraph.split(/(?<=[.!?])["”')_]*\s+|--+(?=["”])/)) {
      const words = sentence.replace(/[^A-Z']+/g, " ").split(" ");
      const spoken = words.map((word) => word.replace(/^'+|'+$/g, "")).filter((word) => word !== "");
      if (spoken.length > 0) lines.push(spoken.join(" "));
    }
  return lines.map((line) => `${line}\n`).join("");
}
