/** A compiled normalisation in SentencePiece's format, small enough to read. */
export function compileCharsmap(rules: Record<string, string>): string {
  const encoder = new TextEncoder();
  let blob: number[] = [];
  const keys = Object.entries(rules)
    .map(([from, to]) => {
      const at = blob.length;
      blob = [...blob, ...encoder.encode(to), 0];
      return { bytes: [...encoder.encode(from)], at };
    })
    .sort((a, b) => Buffer.compare(Buffer.from(a.bytes), Buffer.from(b.bytes)));
  interface Node {
    children: Map<number, Node>;
    value: number | null;
  }
  const root: Node = { children: new Map(), value: null };
  for (const { bytes, at } of keys) {
    let node = root;
    for (const byte of bytes) {
      const child = node.children.get(byte) ?? { children: new Map(), value: null };
      node.children.set(byte, child);
      node = child;
    }
    node.value = at;
  }
  // A double array: the unit at (place ^ offset ^ byte) is the child; the one at (place ^ offset) the value.
  const units: number[] = [0];
  const taken = new Set<number>([0]);
  const place = (node: Node, at: number): void => {
    const labels = [...(node.value === null ? [] : [0]), ...node.children.keys()];
    if (labels.length === 0) return;
    let offset = 1;
    while (labels.some((label) => taken.has(at ^ offset ^ label))) offset++;
    for (const label of labels) taken.add(at ^ offset ^ label);
    units[at] = (units[at] ?? 0) | (offset << 10) | (node.value === null ? 0 : 0x100);
    if (node.value !== null) units[at ^ offset] = (node.value | 0x80000000) >>> 0;
    for (const label of node.children.keys()) units[at ^ offset ^ label] = label;
    for (const [label, child] of node.children) place(child, at ^ offset ^ label);
  };
  place(root, 0);
  const size = Math.max(...taken) + 256;
  const bytes = new Uint8Array(4 + 4 * size + blob.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 4 * size, true);
  // An empty unit has a label that no byte equals.
  for (let i = 0; i < size; i++) view.setUint32(4 + 4 * i, units[i] ?? 0x80000000, true);
  bytes.set(blob, 4 + 4 * size);
  return Buffer.from(bytes).toString("base64");
}

/** Some of what NFKC and the removal of controls do, and a pair of characters with a rule of its own. */
export const CHARSMAP = compileCharsmap({
  ﬁ: "fi",
  "½": "1/2",
  "①": "1",
  Ⅷ: "VIII",
  Ａ: "A",
  "\u00a0": " ",
  "\u3000": " ",
  "\t": " ",
  "\n": " ",
  "\r": " ",
  "\u0001": "",
  "\u200b": "",
  "e\u0301": "é",
  "E\u0301": "É",
  "…": "...",
  "\u2028": " ",
  "\ufeff": "",
});
