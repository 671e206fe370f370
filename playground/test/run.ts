/**
 * @module The site in real browsers: what a visitor does, at phone and desktop widths, with everything that can go
 * wrong made to go wrong.
 *
 *   npm run playground:build && npm run playground:test [-- --browser webkit --width phone --only hash --patience 3]
 */
import { after, before, describe, test } from "node:test";
import { parseArgs } from "node:util";
import type { Page } from "puppeteer-core";
import { type BrowserName, launch } from "./browsers.ts";
import { examples } from "./examples.ts";
import { firstVisit } from "./firstVisit.ts";
import { journey, views } from "./journey.ts";
import { races, rooms } from "./rooms.ts";
import { openSite, type Site } from "./site.ts";
import { stranger } from "./stranger.ts";
import { refusals, trouble } from "./trouble.ts";
import { hasWebKit, startDriver } from "./webkit/driver.ts";
import { pageOf } from "./webkit/page.ts";

const { values } = parseArgs({
  options: {
    browser: { type: "string" },
    width: { type: "string" },
    only: { type: "string" },
    patience: { type: "string", default: "1" },
  },
});
const SLOWER = Number(values.patience);
const WIDTHS = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 900 } };
type Width = keyof typeof WIDTHS;
const WIDTH_NAMES = Object.keys(WIDTHS) as Width[];

export interface Visit {
  readonly page: Page;
  readonly site: Site;
  readonly width: Width;
  /** How much longer than on an idle machine everything may take. */
  readonly slower: number;
}

export type Step = readonly [title: string, run: (visit: Visit) => Promise<void>];

/** Milliseconds that a visit may take; on a busy machine one that took longer is made once more, and that is said. */
const PATIENCE = 120_000 * SLOWER;
const TRIES = 2;

/** A browser, which opens windows that were never here. */
interface Windows {
  open(width: Width): Promise<{ readonly page: Page; close(): Promise<unknown> }>;
  close(): unknown;
}

/** Tests that each begin with a browser that was never here. */
function visits(windows: () => Windows, site: () => Site, width: Width, steps: readonly Step[]): void {
  for (const [title, run] of steps)
    if (!values.only || title.includes(values.only))
      test(title, { timeout: (TRIES + 1) * PATIENCE }, async (t) => {
        for (let tries = 1; ; tries++) {
          const { page, close } = await windows().open(width);
          try {
            return await inTime(run({ page, site: site(), width, slower: SLOWER }));
          } catch (error) {
            if (tries === TRIES) throw error;
            t.diagnostic(`tried once more after: ${(error as Error).message}`);
          } finally {
            await close();
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

async function puppets(name: BrowserName): Promise<Windows> {
  const browser = await launch(name);
  return {
    async open(width) {
      const context = await browser.createBrowserContext();
      const page = await context.newPage();
      await page.setViewport(WIDTHS[width]);
      page.setDefaultTimeout(30_000 * SLOWER);
      return { page, close: () => context.close() };
    },
    close: () => browser.close(),
  };
}

/** Each of WebKit's windows has a driver of its own, which may be lost with it; none is narrower than 447 pixels. */
async function webkit(): Promise<Windows> {
  return {
    async open(width) {
      const driver = await startDriver();
      const session = await driver.open();
      await session.resize(WIDTHS[width].width, WIDTHS[width].height);
      // A driver that hangs does not answer to this; it is ended all the same.
      const close = () =>
        session
          .close()
          .catch(() => {})
          .finally(driver.stop);
      return { page: pageOf(session, SLOWER), close };
    },
    close: () => {},
  };
}

/** The tests of one browser. */
function inBrowser(
  name: BrowserName | "webkit",
  launched: () => Promise<Windows>,
  stepsAt: (width: Width) => readonly Step[],
): void {
  if (values.browser && values.browser !== name) return;
  describe(name, () => {
    let [windows, site]: [Windows | undefined, Site | undefined] = [undefined, undefined];
    before(async () => {
      site = await openSite();
      windows = await launched();
    });
    after(async () => {
      await windows?.close();
      await site?.stop();
    });
    for (const width of WIDTH_NAMES)
      if (!values.width || values.width === width)
        describe(`${width} width`, () =>
          visits(
            () => windows!,
            () => site!,
            width,
            stepsAt(width),
          ));
  });
}

for (const name of ["chromium", "firefox"] as const satisfies BrowserName[])
  inBrowser(
    name,
    () => puppets(name),
    (width) => [
      ...journey,
      ...views,
      ...rooms,
      ...races,
      ...refusals,
      ...stranger,
      ...trouble,
      // What is sent is the same at every width.
      ...(width === "phone" ? firstVisit : []),
      // They print the same in every browser; one is asked.
      ...(name === "chromium" && width === "desktop" ? examples : []),
    ],
  );

// Its driver changes nothing of a page before the page's own scripts run, and keeps no server away from a service worker.
if (hasWebKit() || values.browser === "webkit")
  inBrowser("webkit", webkit, (width) =>
    width === "phone" ? [journey[0], ...views, ...races] : [...rooms, ...refusals],
  );
else console.log("webkit is not installed (scripts/install-browsers.sh): its tests are left out");
