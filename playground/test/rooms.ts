/** @module Keep, Race, Explain and the documentation, as a visitor uses them. */
import assert from "node:assert/strict";
import type { Page } from "puppeteer-core";
import { audit } from "./audit.ts";
import type { Step } from "./run.ts";
import {
  explain,
  findInDocs,
  go,
  open,
  press,
  pressText,
  race,
  textOf,
  train,
  waitForText,
  write,
} from "./scenes.ts";

/** Sets a field as typing does. */
async function fill(page: Page, selector: string, text: string): Promise<void> {
  await page.$eval(
    selector,
    (field, given) => {
      (field as HTMLInputElement).value = given;
      field.dispatchEvent(new Event("input"));
      field.dispatchEvent(new Event("change"));
    },
    text,
  );
}

/** Whether the browser's store has a model of that name by now. */
function stored(name: string): Promise<boolean> {
  return new Promise((resolve) => {
    const opened = indexedDB.open("svi-lm");
    opened.onsuccess = () => {
      const rows = opened.result.transaction("models").objectStore("models").getAll();
      rows.onsuccess = () => {
        opened.result.close();
        resolve(rows.result.some(({ card }) => card.name === name));
      };
    };
  });
}

async function keeps(page: Page): Promise<void> {
  await go(page, "keep");
  await press(page, "#keep");
  await page.waitForSelector(".model");
  await audit(page, "Keep, one kept");
  await fill(page, ".model input", "My whale");
  await page.waitForFunction(stored, {}, "My whale");
  await page.reload();
  await page.waitForSelector(".model");
  assert.equal(await page.$eval(".model input", (field) => (field as HTMLInputElement).value), "My whale");
  await waitForText(page, "No model is in use");
  await pressText(page, "Use");
  await page.waitForSelector(".model-line");
  assert.match(await textOf(page, ".model-line"), /My whale/);
  await go(page, "write");
  await write(page);
  await go(page, "keep");
  await page.waitForSelector(".model");
  await pressText(page, "Delete");
  await pressText(page, "Delete it for good?");
  await waitForText(page, "None yet.");
}

export const rooms: readonly Step[] = [
  [
    "a model is kept, renamed, found again after the page was closed, used and deleted",
    async ({ page, site }) => {
      await train(page, site.address);
      await pressText(page, "Stop");
      await waitForText(page, "Write with it");
      await keeps(page);
    },
  ],
  [
    "five pictures are made by the package itself",
    async ({ page, site }) => {
      await open(page, site.address, "explain");
      await audit(page, "Explain, empty");
      await explain(page);
      assert.equal((await page.$$(".chapter")).length, 5);
      assert.ok((await page.$$(".picture path")).length >= 21);
      assert.equal((await page.$$(".readers tr")).length, 6);
      await audit(page, "Explain, made");
    },
  ],
  [
    "documentation opens, and is searched without a server",
    async ({ page, site }) => {
      await open(page, site.address, "docs");
      await waitForText(page, "A page for each thing that you may want to do");
      await audit(page, "Docs");
      await findInDocs(page);
      await audit(page, "Docs, found");
      await press(page, ".found a");
      await page.waitForFunction(() => /checkpoint/i.test(document.querySelector(".prose")!.textContent!));
    },
  ],
];

export const races: readonly Step[] = [
  [
    "the benchmark has its hash, and its result travels in a link",
    async ({ page, site }) => {
      await open(page, site.address, "race");
      await fill(page, '.race input[type="text"]', "A & B’s machine");
      await race(page);
      assert.equal(
        await page.$(".notice").then((found) => found?.evaluate((one) => one.textContent)),
        undefined,
      );
      await audit(page, "Race, done");
      const link = await page.$eval(".share input", (field) => field.value);
      await page.goto("about:blank");
      await page.goto(link);
      await waitForText(page, "A & B’s machine (from the link)");
    },
  ],
];
