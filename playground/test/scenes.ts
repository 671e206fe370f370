/** @module Every view and state, and how to come there: what pictures are taken of, and accessibility is checked of. */
import type { Page } from "puppeteer-core";

export interface Scene {
  readonly name: string;
  /** What stands in the page before its own scripts run. */
  before?(page: Page): Promise<unknown>;
  show(page: Page, address: string): Promise<unknown>;
}

/** Opens a view, and waits until it stands. */
export async function open(page: Page, address: string, view: string): Promise<void> {
  await page.goto(`${address}#/${view}`);
  await page.waitForSelector(`#main[data-shown="${view.split(/[/?]/)[0]}"]`);
}

export async function press(page: Page, selector: string): Promise<void> {
  const element = await page.waitForSelector(selector, { visible: true });
  await element!.click();
}

/** Waits for text that is seen. */
export async function waitForText(page: Page, text: string, timeout = 60_000): Promise<void> {
  // biome-ignore lint/performance/useDomNodeTextContent: what is hidden does not count.
  await page.waitForFunction((wanted) => document.body.innerText.includes(wanted), { timeout }, text);
}

/** Trains until both have written something; on the text that is chosen where the view is open already. */
export async function train(page: Page, address: string, opening = true): Promise<void> {
  if (opening) await open(page, address, "train");
  await press(page, "#train");
  await page.waitForFunction(
    () => [...document.querySelectorAll(".written")].every((one) => !one.querySelector(".waiting")),
    { timeout: 90_000 },
  );
}

/** The same, and then to another view without loading the page anew. */
async function trained(page: Page, address: string, view: string): Promise<void> {
  await train(page, address);
  await page.evaluate(() =>
    [...document.querySelectorAll("button")].find((one) => one.textContent === "Stop")?.click(),
  );
  await waitForText(page, "Write with it");
  await page.evaluate((name) => {
    location.hash = `#/${name}`;
  }, view);
  await page.waitForSelector(`#main[data-shown="${view}"]`);
}

export const SCENES: readonly Scene[] = [
  { name: "train-empty", show: (page, address) => open(page, address, "train") },
  {
    name: "train-settings",
    async show(page, address) {
      await open(page, address, "train");
      await press(page, ".settings summary");
    },
  },
  {
    name: "train-running",
    async show(page, address) {
      await train(page, address);
      await new Promise((resolve) => setTimeout(resolve, 12_000));
    },
  },
  { name: "write-empty", show: (page, address) => open(page, address, "write") },
  {
    name: "write-written",
    async show(page, address) {
      await trained(page, address, "write");
      await press(page, "#write");
      await waitForText(page, "on average");
      await page.focus(".shaded");
      for (let i = 0; i < 12; i++) await page.keyboard.press("ArrowRight");
      await page.waitForSelector(".likeliest");
    },
  },
  {
    name: "score-scored",
    async show(page, address) {
      await trained(page, address, "score");
      await press(page, "#score");
      await waitForText(page, "Surprised it most");
    },
  },
  {
    name: "keep-kept",
    async show(page, address) {
      await trained(page, address, "keep");
      await press(page, "#keep");
      await page.waitForSelector(".model");
    },
  },
  { name: "race-empty", show: (page, address) => open(page, address, "race") },
  { name: "explain-empty", show: (page, address) => open(page, address, "explain") },
  {
    name: "explain-made",
    async show(page, address) {
      await open(page, address, "explain");
      await press(page, "#explain");
      await page.waitForFunction(() => document.querySelectorAll(".chapter .unmade").length === 0, {
        timeout: 100_000,
      });
    },
  },
  { name: "docs-index", show: (page, address) => open(page, address, "docs") },
  { name: "docs-train", show: (page, address) => open(page, address, "docs/guide/train") },
  {
    name: "no-simd",
    before: (page) =>
      page.evaluateOnNewDocument(() => {
        WebAssembly.validate = () => false;
      }),
    show: (page, address) => open(page, address, "train"),
  },
];
