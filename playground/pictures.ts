/**
 * @module Pictures of every view and state, at phone and desktop widths, in light and dark: build/pictures/.
 *
 *   npm run playground:pictures [-- --only train --width phone]
 */
import { mkdir } from "node:fs/promises";
import { parseArgs } from "node:util";
import type { BrowserContext, Page } from "puppeteer-core";
import { launch } from "./test/browsers.ts";
import { SCENES } from "./test/gallery.ts";
import { openSite, type Site } from "./test/site.ts";

const {
  only,
  width,
  browser: chosen,
} = parseArgs({
  options: {
    only: { type: "string" },
    width: { type: "string" },
    browser: { type: "string", default: "chromium" },
  },
}).values;
const FOLDER = "build/pictures";
const WIDTHS = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 900 } };
const THEMES = ["light", "dark"] as const;

/** Scenes in which one continues on the page of another are taken together. */
const groups: (typeof SCENES)[number][][] = [];
for (const scene of SCENES) {
  if (scene.follows) groups.at(-1)!.push(scene);
  else groups.push([scene]);
}

async function pictures(page: Page, name: string): Promise<void> {
  for (const theme of THEMES) {
    await page.evaluate((wanted) => {
      localStorage.setItem("svi-lm theme", wanted);
      // The button goes round: colours of canvases follow it.
      const button = document.getElementById("theme")!;
      for (let i = 0; i < 3 && document.documentElement.dataset.theme !== wanted; i++) button.click();
      for (const animation of document.getAnimations()) animation.finish();
    }, theme);
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 100)));
    await page.screenshot({ path: `${FOLDER}/${name}-${theme}.png`, fullPage: true });
  }
  const [shown, whole] = await page.evaluate(() => [
    document.documentElement.clientWidth,
    document.documentElement.scrollWidth,
  ]);
  if (whole > shown) throw new Error(`it is ${whole} pixels wide, of which ${shown} are seen`);
  process.stdout.write(`${name}\n`);
}

async function take(context: BrowserContext, site: Site, at: keyof typeof WIDTHS): Promise<void> {
  for (const group of groups) {
    if (only && !group.some(({ name }) => name.startsWith(only))) continue;
    const { lend } = group[0];
    const visit = lend ? await browser.createBrowserContext() : context;
    const page = await visit.newPage();
    await page.setViewport(WIDTHS[at]);
    let showing = group[0].name;
    try {
      await lend?.(site.lent);
      await group[0].before?.(page);
      for (const scene of group) {
        showing = scene.name;
        await scene.show(page, site.address);
        await pictures(page, `${scene.name}-${at}`);
      }
    } catch (error) {
      // The others are still worth seeing.
      process.exitCode = 1;
      process.stderr.write(`${showing}-${at} is not right: ${(error as Error).message}\n`);
    }
    site.lent.clear();
    await (lend ? visit : page).close();
  }
}

await mkdir(FOLDER, { recursive: true });
const site = await openSite();
const browser = await launch(chosen === "firefox" ? "firefox" : "chromium");
for (const at of ["phone", "desktop"] as const) {
  if (width && width !== at) continue;
  const context = await browser.createBrowserContext();
  await take(context, site, at);
  await context.close();
}
await browser.close();
await site.stop();
