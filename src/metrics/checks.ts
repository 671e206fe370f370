/** @module What every metric asks of its texts before it counts. */
import { SviError, wrongOption } from "../errors.ts";

/** @throws SviError `E_OPTION` unless `value` is a string */
export function requireText(name: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw wrongOption(name, value, "a string; an empty one stands for no words");
}

/**
 * @returns for every hypothesis its references, without those that are null
 * @throws SviError `E_OPTION` where a set is not as long as the hypotheses, or a sentence has no reference
 */
export function referencesOf(
  hypotheses: readonly string[],
  references: readonly (readonly (string | null)[])[],
): string[][] {
  requireList("hypotheses", hypotheses);
  requireList("references", references);
  references.forEach((set, r) => {
    requireList(`references[${r}]`, set);
    if (set.length !== hypotheses.length)
      throw new SviError(
        "E_OPTION",
        `references[${r}] holds ${set.length} texts and hypotheses ${hypotheses.length}`,
        {
          option: "references",
          value: set.length,
          remedy: "Give sets of references, each with one text for every hypothesis",
        },
      );
  });
  return hypotheses.map((hypothesis, i) => {
    requireText(`hypotheses[${i}]`, hypothesis);
    const own = references.flatMap((set, r) =>
      set[i] === null ? [] : [requireText(`references[${r}][${i}]`, set[i])],
    );
    if (own.length > 0) return own;
    throw new SviError("E_OPTION", `hypotheses[${i}] has no reference`, {
      value: hypothesis,
      remedy: "Give at least one reference for every hypothesis",
    });
  });
}

export function requireList<T>(name: string, value: T): T {
  if (Array.isArray(value) && value.length > 0) return value;
  throw new SviError("E_OPTION", `${name} is ${Array.isArray(value) ? "empty" : "not a list"}`, {
    option: name,
    value,
    remedy: name.startsWith("h") ? "Give a list of texts" : "Give a list of lists: sets of references",
  });
}

/** How many references the sentences have, as sacreBLEU's signature puts it. */
export function countOfReferences(references: readonly (readonly string[])[]): string {
  const counts = new Set(references.map((own) => own.length));
  return counts.size === 1 ? String([...counts][0]) : "var";
}
