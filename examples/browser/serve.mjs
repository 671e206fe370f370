// Serves this folder, and the built package under /svi-lm/.
//   npm run build && node examples/browser/serve.mjs [--port 8080]
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { port } = parseArgs({ options: { port: { type: "string", default: "8080" } } }).values;
const here = fileURLToPath(new URL(".", import.meta.url));
const dist = fileURLToPath(new URL("../../dist/", import.meta.url));
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8" };

createServer(async (request, response) => {
  const path = normalize(new URL(request.url, "http://localhost").pathname);
  const file = path.startsWith("/svi-lm/")
    ? join(dist, path.slice("/svi-lm/".length))
    : join(here, path === "/" ? "index.html" : path);
  const body = await readFile(file).catch(() => null);
  response.writeHead(body ? 200 : 404, { "content-type": TYPES[extname(file)] ?? "text/plain" });
  response.end(body ?? "Not found");
}).listen(Number(port), () => process.stdout.write(`http://localhost:${port}/\n`));
