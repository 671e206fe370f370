/**
 * The same bits everywhere: runs the cases in every runtime there is, from the packed tarball, and compares.
 *
 *   npm run conformance                     what is found here; a table
 *   npm run conformance -- --install        fetches from npm what is missing first
 *   npm run conformance -- --all [--json]   fetches, and fails where one is missing, fails or differs
 *   npm run conformance -- --only workerd   those alone; may be given several times
 */
import { parseArgs } from "node:util";
import type { Report } from "./cases.ts";
import { installMissing } from "./install.ts";
import { run } from "./process.ts";
import { createProject } from "./project.ts";
import { find, findDriver, RUNTIMES, type Runtime } from "./runtimes.ts";
import { json, judge, type Result, table } from "./verdict.ts";

const { values } = parseArgs({
  options: {
    all: { type: "boolean", default: false },
    install: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    only: { type: "string", multiple: true },
  },
});

/** The last line that a runtime's command prints. */
interface Answer {
  readonly version: string;
  readonly report: Report;
}

/** Progress, and with --json the table too, stay off stdout. */
const tell = (line: string) => void process.stderr.write(`${line}\n`);

async function conform(runtime: Runtime, node: string | null, project: string): Promise<Result> {
  const { name, engine } = runtime;
  const failed = (problem: string, missing = false): Result => ({
    name,
    engine,
    version: null,
    report: null,
    missing,
    problem,
  });
  const found = await find(runtime);
  if (typeof found === "string") return failed(`missing: ${found}`, true);
  if (runtime.hosted && node === null) return failed("missing: no Node of 22.12 or newer to drive it", true);
  const { stdout, stderr, problem } = await run(runtime.command({ found, node: node!, project }), {
    cwd: runtime.hosted ? undefined : project,
  });
  if (problem !== null) return failed(`${problem}\n${stdout}${stderr}`.trimEnd());
  const { version, report } = JSON.parse(stdout.trimEnd().split("\n").at(-1)!) as Answer;
  return { name, engine, version, report, missing: false, problem: null };
}

async function main(): Promise<void> {
  const chosen = RUNTIMES.filter(({ name }) => !values.only || values.only.includes(name));
  if (values.all || values.install) await installMissing(tell);
  tell("packing the package and installing the tarball");
  const project = await createProject();
  const node = await findDriver();
  const results: Result[] = [];
  for (const runtime of chosen) {
    tell(`running in ${runtime.name}`);
    results.push(await conform(runtime, node, project));
  }
  const verdict = judge(results, values.all);
  (values.json ? tell : console.log)(table(verdict));
  for (const problem of verdict.problems) tell(`\n${problem}`);
  if (values.json) console.log(json(verdict));
  process.exitCode = verdict.identical ? 0 : 1;
}

for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130));
await main();
