/**
 * @module Pictures of every view and state, at phone and desktop widths, in light and dark: build/pictures/.
 *
 *   npm run playground:build && npm run playground:pictures [-- --only train]
 */
import { mkdir } from "node:fs/promises";
import { parseArgs } from "node:util";
import type { Page } from "puppeteer-core";
import { launch } from "./test/browsers.ts";
import { SCENES, type Scene } from "./test/scenes.ts";
import { openSite, type Site } from "./test/site.ts";

const { only, browser: chosen } = parseArgs({
  options: { only: { type: "string" }, browser: { type: "string", default: "chromium" } },
}).values;
const FOLDER = "build/pictures";
const WIDTHS = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 900 } };

async function picture(page: Page, scene: Scene, site: Site, name: string): Promise<void> {
  await scene.show(page, site.address);
  await page.screenshot({ path: `${FOLDER}/${name}.png` as `${string}.png`, fullPage: true });
  process.stdout.write(`${name}\n`);
}

await mkdir(FOLDER, { recursive: true });
const site = await openSite();
const browser = await launch(chosen === "firefox" ? "firefox" : "chromium");
for (const [width, viewport] of Object.entries(WIDTHS)) {
  const context = await browser.createBrowserContext();
  for (const scene of SCENES) {
    if (only && !scene.name.startsWith(only)) continue;
    const page = await context.newPage();
    await page.setViewport(viewport);
    await page.evaluateOnNewDocument(() => localStorage.setItem("svi-lm theme", "light"));
    await scene.before?.(page);
    await picture(page, scene, site, `${scene.name}-${width}-light`);
    await page.evaluate(() => {
      document.documentElement.dataset.theme = "dark";
      document.getElementById("theme")!.click();
    });
    await page.screenshot({ path: `${FOLDER}/${scene.name}-${width}-dark.png`, fullPage: true });
    await page.close();
  }
  await context.close();
}
await browser.close();
await site.stop();
