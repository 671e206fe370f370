// The longest gap between animation frames while svi-lm trains, in real browsers: in a worker and on the page's own
// thread, a small model and a large one (vocabulary 10,000, 2 × 650). Each must stay within 50 ms.
//   npm run bench:frames [-- --browsers chromium,firefox --runs 3 --seconds 6 --only worker,page --json]

import { access, mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const MOST = 50;
const root = fileURLToPath(new URL("../..", import.meta.url));
const out = `${root}build/frames`;
const { values } = parseArgs({
  options: {
    browsers: { type: "string", default: "chromium,firefox" },
    runs: { type: "string", default: "3" },
    seconds: { type: "string", default: "6" },
    only: { type: "string", default: "nothing,worker,page" },
    sizes: { type: "string", default: "small,large" },
    methods: { type: "string", default: "ivon" },
    checkpoint: { type: "string", default: "0" },
    json: { type: "boolean", default: false },
  },
});
const { default: puppeteer } = await import("puppeteer-core").catch(() => {
  process.stderr.write("Install the driver of browsers first: npm install --prefix bench/frames\n");
  process.exit(1);
});
const list = (name) => values[name].split(",");

async function executable(names) {
  for (const path of names)
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return path;
  throw new Error(`None of ${names.join(", ")} is installed`);
}

const BROWSERS = {
  chromium: async () =>
    puppeteer.launch({
      executablePath: await executable(["/usr/bin/chromium", "/usr/bin/google-chrome"]),
      args: ["--no-sandbox"],
    }),
  firefox: async () =>
    puppeteer.launch({
      browser: "firefox",
      executablePath: await executable(["/usr/bin/firefox", "/usr/bin/firefox-esr"]),
    }),
};

async function buildPage() {
  const common = { absWorkingDir: root, bundle: true, format: "esm", target: "es2022", logLevel: "error" };
  await mkdir(out, { recursive: true });
  await build({ ...common, entryPoints: ["bench/frames/page.ts"], outfile: `${out}/page.js` });
  await build({ ...common, entryPoints: ["src/worker/thread.ts"], outfile: `${out}/worker/thread.js` });
  await writeFile(
    `${out}/index.html`,
    '<!doctype html><title>frames</title><p id="p">svi-lm</p><script type="module" src="page.js"></script>',
  );
}

function serve() {
  const types = { ".html": "text/html", ".js": "text/javascript" };
  const server = createServer(async (request, response) => {
    const path = request.url === "/" ? "/index.html" : request.url;
    const body = await readFile(out + path).catch(() => null);
    response.writeHead(body ? 200 : 404, { "content-type": types[extname(path)] ?? "text/plain" });
    response.end(body ?? "");
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
const rounded = (number) => Math.round(number * 10) / 10;

await buildPage();
const server = await serve();
const rows = [];
for (const name of list("browsers")) {
  const browser = await BROWSERS[name]();
  const version = await browser.version();
  for (const where of list("only"))
    for (const size of list("sizes"))
      for (const method of list("methods")) {
        if (where === "nothing" && size !== "small") continue;
        const found = [];
        for (let run = 0; run < Number(values.runs); run++) {
          const page = await browser.newPage();
          page.setDefaultTimeout(300_000);
          page.on("pageerror", (error) => process.stderr.write(`${error}\n`));
          await page.goto(`http://127.0.0.1:${server.address().port}/`);
          await page.waitForFunction("globalThis.measure");
          const one = {
            where,
            size,
            method,
            seconds: Number(values.seconds),
            checkpoint: Number(values.checkpoint),
          };
          found.push(await page.evaluate((given) => globalThis.measure(given), one));
          await page.close();
        }
        const of = (key) => rounded(median(found.map((one) => one[key])));
        rows.push({
          browser: version,
          where,
          model: where === "nothing" ? "" : size,
          method: where === "nothing" ? "" : method,
          "longest gap, ms": of("longest"),
          "worst run, ms": rounded(Math.max(...found.map((one) => one.longest))),
          "99 %, ms": of("usual"),
          steps: of("steps"),
          "tokens/s": Math.round(of("tokensPerSecond")),
        });
      }
  await browser.close();
}
server.close();
const late = rows.filter((row) => row["longest gap, ms"] > MOST);
if (values.json) process.stdout.write(`${JSON.stringify({ rows, most: MOST, ok: late.length === 0 })}\n`);
else console.table(rows);
if (late.length > 0) {
  process.stderr.write(`${late.length} of ${rows.length} have a gap above ${MOST} ms\n`);
  process.exit(1);
}
