/** @module Values as a console prints them, near enough to Node's for what examples print. */

/** Characters of a line, and those that Node reserves when it counts them. */
const WIDTH = 80;
const RESERVED = 11;

/** A line of a console: strings stand as they are, other values as they would be written. */
export function printed(values: readonly unknown[]): string {
  return values.map((value) => (typeof value === "string" ? value : written(value))).join(" ");
}

function written(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return listed(value as unknown as unknown[]);
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (typeof value !== "object" || value === null) return String(value);
  const fields = Object.entries(value).map(([name, one]) => `${name}: ${written(one)}`);
  return fields.length === 0 ? "{}" : enclosed("{", fields, "}");
}

function listed(values: Iterable<unknown>): string {
  const all = Array.from(values, written);
  return all.length === 0 ? "[]" : enclosed("[", all, "]");
}

function enclosed(open: string, items: readonly string[], close: string): string {
  const length = items.reduce((sum, item) => sum + item.length + 2, RESERVED);
  if (length <= WIDTH && !items.some((item) => item.includes("\n")))
    return `${open} ${items.join(", ")} ${close}`;
  const lines = items.map((item) => `  ${item.replaceAll("\n", "\n  ")}`);
  return `${open}\n${lines.join(",\n")}\n${close}`;
}

function quoted(text: string): string {
  const inner = text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\t", "\\t");
  if (!inner.includes("'")) return `'${inner}'`;
  return inner.includes('"') ? `'${inner.replaceAll("'", "\\'")}'` : `"${inner}"`;
}
