/** @module The browsers that are installed, driven by WebDriver BiDi or the DevTools protocol. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import puppeteer, { type Browser } from "puppeteer-core";

export type BrowserName = "chromium" | "firefox";

const EXECUTABLES: Record<BrowserName, readonly string[]> = {
  chromium: ["chromium", "chromium-browser", "google-chrome"],
  firefox: ["firefox-esr", "firefox"],
};

function executable(name: BrowserName): string {
  for (const file of EXECUTABLES[name])
    for (const folder of (process.env.PATH ?? "").split(delimiter)) {
      const path = join(folder, file);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Perhaps under another name.
      }
    }
  throw new Error(`${name} is not installed: scripts/install-browsers.sh`);
}

export function launch(name: BrowserName): Promise<Browser> {
  // Chromium's sandbox refuses to run as root.
  const root = process.getuid?.() === 0;
  return puppeteer.launch({
    browser: name === "firefox" ? "firefox" : "chrome",
    executablePath: executable(name),
    args: name === "chromium" && root ? ["--no-sandbox"] : [],
    protocolTimeout: 120_000,
  });
}
