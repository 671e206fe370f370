/** @module The browsers that are installed, driven by WebDriver BiDi or the DevTools protocol. */
import puppeteer, { type Browser } from "puppeteer-core";
import { executable } from "./executable.ts";

export type BrowserName = "chromium" | "firefox";

const EXECUTABLES: Record<BrowserName, readonly string[]> = {
  chromium: ["chromium", "chromium-browser", "google-chrome"],
  firefox: ["firefox-esr", "firefox"],
};

export function launch(name: BrowserName): Promise<Browser> {
  const executablePath = executable(EXECUTABLES[name]);
  if (executablePath === null) throw new Error(`${name} is not installed: scripts/install-browsers.sh`);
  // Chromium's sandbox refuses to run as root.
  const root = process.getuid?.() === 0;
  return puppeteer.launch({
    browser: name === "firefox" ? "firefox" : "chrome",
    executablePath,
    args: name === "chromium" && root ? ["--no-sandbox"] : [],
    // What waits has its own patience.
    protocolTimeout: 0,
  });
}
