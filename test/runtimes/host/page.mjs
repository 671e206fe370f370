// Serves the page to a browser and waits for what it tells.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";

const PAGE = `<!doctype html><meta charset="utf-8"><title>svi-lm</title>
<script>
  addEventListener("error", (event) =>
    fetch("/outcome", { method: "POST", body: JSON.stringify({ problem: String(event.message) }) }));
</script>
<script type="module" src="/page.js"></script>`;

/** Calls `open` with the page's address. Resolves to the page's report. @throws what went wrong in the page */
export async function reportOfPage(folder, open) {
  const script = await readFile(join(folder, "page.js"));
  const told = Promise.withResolvers();
  const server = createServer(async (request, response) => {
    if (request.url === "/outcome") {
      told.resolve(JSON.parse(Buffer.concat(await request.toArray()).toString()));
      response.end();
    } else if (request.url === "/page.js") response.setHeader("content-type", "text/javascript").end(script);
    else if (request.url === "/") response.setHeader("content-type", "text/html").end(PAGE);
    else response.writeHead(404).end();
  });
  const listening = Promise.withResolvers();
  server.listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;
  try {
    await open(`http://127.0.0.1:${server.address().port}/`);
    const { report, problem } = await told.promise;
    if (problem) throw new Error(problem);
    return report;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
