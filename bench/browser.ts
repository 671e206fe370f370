/** @module How a browser is told to show nothing and to keep nothing. */

export function flagsOf(browser: string, profile: string): string[] {
  return browser.includes("firefox")
    ? ["--headless", "--no-remote", "--profile", profile]
    : ["--headless", "--no-sandbox", "--disable-gpu", `--user-data-dir=${profile}`];
}
