/** @module Lines of a file with what is wrong on one of them, and the lists that lines add up to. */
import { SviError } from "../../errors.ts";
import { type Candidate, type CandidateList, isMeasurable, LARGEST, type ListFile } from "../lists.ts";

export interface Line {
  readonly text: string;
  readonly fail: (problem: string, remedy: string) => never;
}

/** Every line that is not blank; the last may lack its end. */
export function linesOf({ name, text }: ListFile): Line[] {
  return text.split("\n").flatMap((each, i) => {
    const line = each.endsWith("\r") ? each.slice(0, -1) : each;
    const fail = (problem: string, remedy: string): never => {
      throw new SviError("E_FORMAT", `${name}:${i + 1}: ${problem}`, { value: line, remedy });
    };
    return line.trim() === "" ? [] : [{ text: line, fail }];
  });
}

/** @throws SviError `E_FORMAT` unless `written` is a number that can be weighed */
export function numberOf(line: Line, what: string, written: string | undefined): number {
  const value = written === undefined || written.trim() === "" ? Number.NaN : Number(written);
  if (isMeasurable(value)) return value;
  const problem = Number.isNaN(value) ? "not a number" : `beyond ${LARGEST}`;
  return line.fail(`${what} is ${JSON.stringify(written ?? "")}, ${problem}`, "Correct the line");
}

/** Gathers candidates into lists; the lines of a list stand together. */
export class Gathering {
  readonly #lists = new Map<string, Candidate[]>();
  readonly #first: Line[] = [];
  #ranks = new Set<string>();
  #last: string | undefined;

  /**
   * @param rank what tells the candidates of a list apart in the file, where it says so
   * @throws SviError `E_FORMAT` for a list that comes twice, a rank that does, other scores than its list has
   */
  add(line: Line, id: string, candidate: Candidate, rank?: string): void {
    if (id === "") line.fail("The id is empty", "Give every candidate the id of its list");
    if (id !== this.#last) {
      if (this.#lists.has(id))
        line.fail(`The list ${JSON.stringify(id)} is there twice`, "Give every list once");
      this.#lists.set(id, []);
      this.#first.push(line);
      this.#ranks = new Set();
      this.#last = id;
    }
    if (rank !== undefined && this.#ranks.has(rank))
      line.fail(`Candidate ${rank} of ${JSON.stringify(id)} is there twice`, "Give every candidate once");
    if (rank !== undefined) this.#ranks.add(rank);
    for (const [name, score] of Object.entries(candidate.scores))
      if (!isMeasurable(score))
        line.fail(`The score ${JSON.stringify(name)} comes to ${score}`, "Correct the line");
    requireScores(line, candidate, this.#lists.values().next().value?.[0]);
    this.#lists.get(id)!.push(candidate);
  }

  /** @throws SviError `E_FORMAT` where there are none */
  lists(files: readonly ListFile[]): CandidateList[] {
    requireLists(files, this.#lists.size);
    return [...this.#lists].map(([id, candidates]) => ({ id, candidates }));
  }
}

/** Sums over scores need the same scores everywhere. */
export function requireScores(line: Line, candidate: Candidate, first: Candidate | undefined): void {
  if (!first) return;
  const missing = Object.keys(first.scores).find((name) => !(name in candidate.scores));
  const further = Object.keys(candidate.scores).find((name) => !(name in first.scores));
  if (missing !== undefined)
    line.fail(`The score ${JSON.stringify(missing)} is missing`, "Give every candidate the same scores");
  if (further !== undefined)
    line.fail(`The score ${JSON.stringify(further)} is new`, "Give every candidate the same scores");
}

export function requireLists(files: readonly ListFile[], count: number): void {
  if (count > 0) return;
  const names = files.map(({ name }) => name).join(", ");
  throw new SviError("E_FORMAT", `${names} holds no candidates`, {
    value: names,
    remedy: "Give lists of candidates",
  });
}

/** Words with one blank between them. */
export function words(text: string): string {
  return text.trim().split(/\s+/).join(" ");
}

/** The file's name without folders and its last ending. */
export function baseName(name: string): string {
  return name.replace(/^.*[/\\]/, "").replace(/\.[^.]*$/, "");
}
