/** @module What goes wrong is told with its remedy, and nothing is lost. */
import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ElementHandle, Page } from "puppeteer-core";
import { audit } from "./audit.ts";
import { pressText, textOf } from "./journey.ts";
import type { Step } from "./run.ts";
import { open, press, train, waitForText } from "./scenes.ts";

const folder = mkdtempSync(join(tmpdir(), "playground-"));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function openFile(page: Page, path: string): Promise<void> {
  await page.evaluate(() => {
    document.querySelector<HTMLDetailsElement>(".own")!.open = true;
  });
  const input = await page.$('input[type="file"]');
  await (input as ElementHandle<HTMLInputElement>).uploadFile(path);
}

async function type(page: Page, text: string): Promise<void> {
  await page.evaluate((given) => {
    document.querySelector<HTMLDetailsElement>(".own")!.open = true;
    const field = document.querySelector("textarea")!;
    field.value = given;
    field.dispatchEvent(new Event("input"));
  }, text);
}

/** Lets a test end the page's workers, as a browser that runs out of memory does. */
const keepWorkers = (page: Page) =>
  page.evaluateOnNewDocument(() => {
    const made: Worker[] = [];
    const Original = Worker;
    Object.assign(window, {
      made,
      Worker: class extends Original {
        constructor(...args: ConstructorParameters<typeof Original>) {
          super(...args);
          made.push(this);
        }
      },
    });
  });

export const trouble: readonly Step[] = [
  [
    "texts that cannot be learnt are refused plainly: binary, huge, short, one symbol",
    async ({ page, site }) => {
      await open(page, site.address, "train");
      await openFile(
        page,
        file(
          "picture.png",
          Uint8Array.from({ length: 5000 }, (_, i) => i % 7),
        ),
      );
      await waitForText(page, "picture.png is not a text in UTF-8");
      await audit(page, "Train, binary file");
      await openFile(page, file("large.txt", "the sea and the sky\n".repeat(5_000_000)));
      await waitForText(page, "large.txt has 100 MB, more than the 8 MB that this page takes");
      await pressText(page, "Take the first 1 MB");
      await page.waitForFunction(() => document.querySelector("textarea")!.value.startsWith("the sea"));
      await type(page, "too short");
      await press(page, "#train");
      await waitForText(page, "The text has 9 characters");
      await type(page, "a".repeat(5000));
      await press(page, "#train");
      await waitForText(page, "The text repeats one symbol");
    },
  ],
  [
    "a lost worker continues from its last checkpoint",
    async ({ page, site }) => {
      await keepWorkers(page);
      await train(page, site.address);
      await page.waitForFunction(() => document.querySelector("progress")!.value > 0.03, { timeout: 60_000 });
      await page.evaluate(() => {
        (window as unknown as { made: Worker[] }).made[0].terminate();
      });
      await waitForText(page, "Interrupted");
      await audit(page, "Train, worker lost");
      await pressText(page, "Continue from the last checkpoint");
      await page.waitForFunction(() => document.querySelector(".stage strong")!.textContent === "Training");
      await page.waitForFunction(() => document.querySelector("progress")!.value > 0.04, { timeout: 60_000 });
      assert.doesNotMatch(await textOf(page, ".stage"), /Interrupted/);
    },
  ],
  [
    "an engine without SIMD is told what to do",
    async ({ page, site }) => {
      await page.evaluateOnNewDocument(() => {
        WebAssembly.validate = () => false;
      });
      await open(page, site.address, "train");
      await waitForText(page, "This browser has no WebAssembly SIMD");
      await audit(page, "No SIMD");
      await press(page, "#train");
      await page.waitForSelector(".stage .notice");
    },
  ],
];
