// Runs all tests and prints how many lines of src/ they run: those that vitest sees in its own processes, and those
// that the bundled command line and the workers run in processes and threads of their own.
//   npm run test:coverage [-- any arguments of vitest]
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";

/** Lines of src/, in percent, below which this fails. */
const LEAST = 95;
const FOLDER = "coverage";
const RAW = resolve(FOLDER, "processes");

rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(RAW, { recursive: true });
const { status } = spawnSync("npx", ["vitest", "run", "--coverage", ...process.argv.slice(2)], {
  stdio: "inherit",
  // Bundles that tests make have source maps, and Node writes what every process ran.
  env: { ...process.env, SOURCE_MAPS: "1", NODE_V8_COVERAGE: RAW },
});

const lines = linesOfVitest();
for (const file of readdirSync(RAW)) addProcess(JSON.parse(readFileSync(join(RAW, file), "utf8")));
const percent = print();
process.exitCode = status || (percent < LEAST ? 1 : 0);

/** Of each file, of each line that has code, whether vitest saw it run. */
function linesOfVitest() {
  const report = JSON.parse(readFileSync(join(FOLDER, "coverage-final.json"), "utf8"));
  return new Map(
    Object.entries(report).map(([path, { statementMap, s }]) => {
      const hits = new Map();
      for (const [id, { start }] of Object.entries(statementMap))
        hits.set(start.line, (hits.get(start.line) ?? false) || s[id] > 0);
      return [relative(process.cwd(), path), hits];
    }),
  );
}

/** What one process ran of bundles with a source map beside their code. */
function addProcess({ result }) {
  for (const { url, functions } of result) {
    if (!url.startsWith("file:") || !url.includes("/build/")) continue;
    const path = fileURLToPath(url);
    if (!existsSync(path)) continue;
    const code = readFileSync(path, "utf8");
    const map = /sourceMappingURL=data:application\/json;base64,(\S+)/.exec(code)?.[1];
    if (!map) continue;
    const trace = new TraceMap(JSON.parse(Buffer.from(map, "base64").toString()));
    addCode(path, code, trace, functions);
  }
}

function addCode(path, code, trace, functions) {
  const ran = countsOf(code.length, functions);
  let offset = 0;
  for (const [i, text] of code.split("\n").entries()) {
    const column = text.search(/\S/);
    if (column >= 0 && ran[offset + column]) {
      const { source, line } = originalPositionFor(trace, { line: i + 1, column });
      const hits = source && lines.get(relative(process.cwd(), resolve(path, "..", source)));
      if (hits?.has(line)) hits.set(line, true);
    }
    offset += text.length + 1;
  }
}

/** Whether each character ran: inner ranges override outer ones, and come after them. */
function countsOf(length, functions) {
  const ran = new Uint8Array(length);
  const ranges = functions.flatMap((each) => each.ranges);
  ranges.sort((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset);
  for (const { startOffset, endOffset, count } of ranges) ran.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  return ran;
}

function print() {
  let [all, run] = [0, 0];
  const rows = [...lines]
    .map(([file, hits]) => {
      const missed = [...hits].filter(([, hit]) => !hit).map(([line]) => line);
      all += hits.size;
      run += hits.size - missed.length;
      return { file, size: hits.size, missed };
    })
    .filter(({ missed }) => missed.length > 0)
    .sort((a, b) => b.missed.length - a.missed.length);
  for (const { file, size, missed } of rows)
    console.log(
      `${(100 * (1 - missed.length / size)).toFixed(0).padStart(4)} % ${file}: ${missed.slice(0, 12).join(", ")}${missed.length > 12 ? " …" : ""}`,
    );
  const percent = (100 * run) / all;
  console.log(`${percent.toFixed(2)} % of ${all} lines of src/`);
  return percent;
}
