/**
 * The products in a browser's engine, beside the peak that the same engine measures: no tile of any form can be
 * faster than that peak, so that the share is also one of what the best tile reaches there, or more.
 *
 * Of int16 a vector holds twice as many: their share is that of twice the peak.
 *
 *   npm run bench:engines -- [--browser firefox-esr] [--products float32|int16] [--json]
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { flagsOf } from "./browser.ts";
import { PRODUCTS } from "./products.ts";

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    browser: { type: "string", default: "firefox-esr" },
    products: { type: "string", default: "float32" },
    json: { type: "boolean", default: false },
  },
});

interface Result {
  readonly engine: string;
  readonly peakGflops: number;
  readonly products: readonly { readonly name: string; readonly gflops: number }[];
}

const { outputFiles } = await build({
  entryPoints: ["bench/engines/page.ts"],
  bundle: true,
  write: false,
  format: "esm",
  target: "es2022",
});

async function measure(browser: string): Promise<Result> {
  const profile = await mkdtemp(join(tmpdir(), "svi-lm-"));
  let settle!: { resolve: (found: Result) => void; reject: (error: Error) => void };
  const answer = new Promise<Result>((resolve, reject) => {
    settle = { resolve, reject };
  });
  const server = createServer(async (request, response) => {
    if (request.url === "/page.js") {
      response.setHeader("Content-Type", "text/javascript");
      response.end(outputFiles[0].text);
    } else if (request.url === "/result") {
      let body = "";
      for await (const part of request) body += part;
      response.end();
      settle.resolve(JSON.parse(body));
    } else {
      response.setHeader("Content-Type", "text/html");
      response.end('<!doctype html><script type="module" src="/page.js"></script>');
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/?${values.products}`;
  const child = spawn(browser, [...flagsOf(browser, profile), url], { stdio: "ignore" });
  child.on("error", settle.reject);
  child.on("exit", (code) => settle.reject(new Error(`${browser} ended with code ${code}`)));
  try {
    return await answer;
  } finally {
    child.kill();
    server.close();
    server.closeAllConnections();
    await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

const result = await measure(values.browser);
if (values.json) console.log(JSON.stringify(result));
else {
  console.log(`${result.engine}\nmultiply, then add: ${result.peakGflops.toFixed(1)} GFLOP/s`);
  result.products.forEach(({ name, gflops }, i) => {
    const { m, n, k } = PRODUCTS[i];
    const most = values.products === "int16" ? 2 * result.peakGflops : result.peakGflops;
    const share = Math.round((100 * gflops) / most);
    console.log(
      `${name.padEnd(30)}${`${m} × ${n} × ${k}`.padEnd(22)}${gflops.toFixed(1).padStart(6)} GFLOP/s ${share} %`,
    );
  });
}
