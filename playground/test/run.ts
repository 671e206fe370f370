/**
 * @module The site in real browsers: what a visitor does, at phone and desktop widths, with everything that can go
 * wrong made to go wrong.
 *
 *   npm run playground:build && npm run playground:test [-- --browser chromium --width phone --only hash]
 */
import { after, before, describe, test } from "node:test";
import { parseArgs } from "node:util";
import type { Browser, BrowserContext, Page } from "puppeteer-core";
import { type BrowserName, launch } from "./browsers.ts";
import { examples } from "./examples.ts";
import { firstVisit } from "./firstVisit.ts";
import { journey } from "./journey.ts";
import { races, rooms } from "./rooms.ts";
import { openSite, type Site } from "./site.ts";
import { trouble } from "./trouble.ts";

const { values } = parseArgs({
  options: { browser: { type: "string" }, width: { type: "string" }, only: { type: "string" } },
});
const WIDTHS = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 900 } };

export interface Visit {
  readonly page: Page;
  readonly site: Site;
  readonly width: keyof typeof WIDTHS;
}

export type Step = readonly [title: string, run: (visit: Visit) => Promise<void>];

/** Milliseconds that a visit may take; on a busy machine one that took longer is made once more, and that is said. */
const PATIENCE = 120_000;
const TRIES = 2;

/** Tests that each begin with a browser that was never here. */
function visits(
  browser: () => Browser,
  site: () => Site,
  width: keyof typeof WIDTHS,
  steps: readonly Step[],
): void {
  for (const [title, run] of steps)
    if (!values.only || title.includes(values.only))
      test(title, { timeout: (TRIES + 1) * PATIENCE }, async (t) => {
        for (let tries = 1; ; tries++) {
          const { page, context } = await freshPage(browser(), width);
          try {
            return await inTime(run({ page, site: site(), width }));
          } catch (error) {
            if (tries === TRIES) throw error;
            t.diagnostic(`tried once more after: ${(error as Error).message}`);
          } finally {
            await context.close();
          }
        }
      });
}

async function inTime(visit: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`A visit took more than ${PATIENCE} ms`)), PATIENCE);
  });
  await Promise.race([visit, late]).finally(() => clearTimeout(timer));
}

async function freshPage(
  browser: Browser,
  width: keyof typeof WIDTHS,
): Promise<{ page: Page; context: BrowserContext }> {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.setViewport(WIDTHS[width]);
  return { page, context };
}

for (const name of ["chromium", "firefox"] as const satisfies BrowserName[]) {
  if (values.browser && values.browser !== name) continue;
  describe(name, () => {
    let [browser, site]: [Browser | undefined, Site | undefined] = [undefined, undefined];
    before(async () => {
      site = await openSite();
      browser = await launch(name);
    });
    after(async () => {
      await browser?.close();
      await site?.stop();
    });
    for (const width of Object.keys(WIDTHS) as (keyof typeof WIDTHS)[]) {
      if (values.width && values.width !== width) continue;
      describe(`${width} width`, () => {
        const given = [() => browser!, () => site!, width] as const;
        visits(...given, journey);
        // What differs between widths is how it looks: the pages themselves are gone through at one of them.
        visits(...given, width === "phone" ? [...firstVisit, ...trouble, ...races] : rooms);
        // They print the same in every browser; one is asked.
        if (name === "chromium" && width === "desktop") visits(...given, examples);
      });
    }
  });
}
