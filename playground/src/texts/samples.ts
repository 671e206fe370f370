/** @module The sample texts. */
import { Refusal } from "../parts/notice.ts";

export interface Sample {
  readonly id: string;
  readonly label: string;
  readonly what: string;
  readonly file: string;
  /** What the model begins with when it shows what it learnt. */
  readonly prompt: string;
}

export const SAMPLES: readonly Sample[] = [
  {
    id: "moby",
    label: "Moby Dick",
    what: "the first chapters of Herman Melville's novel, 1851",
    file: "moby-dick.txt",
    prompt: "The ",
  },
  {
    id: "moby-long",
    label: "Moby Dick, longer",
    what: "three times as much of the same novel",
    file: "moby-dick-long.txt",
    prompt: "The ",
  },
  {
    id: "union",
    label: "Speeches",
    what: "State of the Union addresses from 1961 on",
    file: "union.txt",
    prompt: "We ",
  },
  {
    id: "names",
    label: "First names",
    what: "4,951 first names, one a line: the model makes up new ones",
    file: "names.txt",
    prompt: "\n",
  },
  {
    id: "log",
    label: "A server's log",
    what: "1,500 lines of an ordinary day, made up",
    file: "log.txt",
    prompt: "08:",
  },
];

/** @throws Refusal where it cannot be fetched */
export async function fetchSample(file: string): Promise<string> {
  const response = await fetch(`./samples/${file}`).catch(() => null);
  if (response?.ok) return response.text();
  throw new Refusal(
    response
      ? `The server does not have samples/${file}`
      : "This text was not kept on this device yet, and there is no connection",
    "Paste a text of your own, or connect and try again",
  );
}
