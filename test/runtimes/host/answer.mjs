// What every host prints: one line with the version of what it ran and the report, for the conformance run to read.

export function answer(version, report) {
  process.stdout.write(`${JSON.stringify({ version, report })}\n`);
}

/** The report in a worker's response. @throws what went wrong in the worker */
export async function reportOf(response) {
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}
