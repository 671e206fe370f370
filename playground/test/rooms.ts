/** @module Keep, Race, Explain and the documentation, as a visitor uses them. */
import assert from "node:assert/strict";
import type { Page } from "puppeteer-core";
import { LanguageModel, learnTokenizer } from "../../src/entries/index.ts";
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

/** A model and its card, as `npm run models` makes them, in little. */
export async function lendModel(lent: Map<string, Uint8Array>): Promise<void> {
  const tokenizer = await learnTokenizer("ab", { kind: "character" });
  const model = await LanguageModel.create({ tokenizer, embedding: 8, hidden: 8, seed: 1 });
  const bytes = await model.toBytes();
  const card = {
    name: "Two letters",
    text: "a and b",
    licence: "text in the public domain",
    prompt: "a",
    tokenizer: "character",
    heldOutBits: 1,
    calibration: 0,
    hash: model.hash(),
  };
  const index = JSON.stringify([{ file: "letters.safetensors", size: bytes.length, card }]);
  lent.set("models/index.json", new TextEncoder().encode(index));
  lent.set("models/letters.safetensors", bytes);
}

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

/** Downloads the model in use, without the browser's own part in it, and drops that file on the page. */
async function downloadAndDrop(page: Page): Promise<void> {
  await page.evaluate(() => {
    const make = URL.createObjectURL;
    URL.createObjectURL = (blob: Blob) => {
      Object.assign(window, { downloaded: blob });
      return make(blob);
    };
    HTMLAnchorElement.prototype.click = () => {};
  });
  await pressText(page, "Download");
  await page.waitForFunction(() => "downloaded" in window);
  await page.$eval(".keep", (element) => {
    const dataTransfer = new DataTransfer();
    const { downloaded } = window as unknown as { downloaded: Blob };
    dataTransfer.items.add(new File([downloaded], "From a file.safetensors"));
    element.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
  });
  await page.waitForFunction(() =>
    document.querySelector(".model-line")!.textContent!.includes("From a file"),
  );
}

/** The same weights have the same hash, whichever way they came. */
async function opensWhatItDownloaded(page: Page): Promise<void> {
  await downloadAndDrop(page);
  await press(page, "#keep");
  await page.waitForFunction(() => document.querySelectorAll(".model").length === 2);
  const hashes = await page.$$eval(".model code", (codes) => codes.map((one) => one.textContent));
  assert.equal(hashes[0], hashes[1]);
  await pressText(page, "Delete");
  await pressText(page, "Delete it for good?");
  await page.waitForFunction(() => document.querySelectorAll(".model").length === 1);
}

async function keeps(page: Page): Promise<void> {
  await go(page, "keep");
  await press(page, "#keep");
  await page.waitForSelector(".model");
  await audit(page, "Keep, one kept");
  assert.match(
    await textOf(page, ".model .hint"),
    /Of Moby Dick · characters · \d\.\d\d bits a token on text it did not read · calibration error 0\.\d{3}/,
  );
  await opensWhatItDownloaded(page);
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
    "a pretrained model is loaded with its card",
    async ({ page, site }) => {
      await lendModel(site.lent);
      try {
        await open(page, site.address, "keep");
        await waitForText(page, "Trained already");
        await audit(page, "Keep, pretrained");
        await page.$$eval(".model button", (buttons) => (buttons[0] as HTMLElement).click());
        await page.waitForSelector(".model-line");
        assert.match(await textOf(page, ".model-line"), /Two letters/);
        await waitForText(page, "Of a and b · text in the public domain · characters · 1.00 bits a token");
        // It has one set of weights: nothing that could disagree is asked for.
        await go(page, "write");
        await waitForText(page, "This model has one set of weights");
        await write(page);
        await go(page, "score");
        await fill(page, "textarea", "abab");
        await press(page, "#score");
        await waitForText(page, "no samples that could disagree");
        await audit(page, "Score, one set of weights");
      } finally {
        site.lent.clear();
      }
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
      await go(page, "docs/reference/svi-lm/rescoring");
      await waitForText(page, "CandidateList");
      await audit(page, "Docs, reference");
    },
  ],
];

export const races: readonly Step[] = [
  [
    "the benchmark has its hash, and its result travels in a link",
    async ({ page, site }) => {
      await open(page, site.address, "race");
      await fill(page, '.race input[type="text"]', "A & B’s machine");
      assert.ok((await page.$$(".race tr.known")).length >= 4);
      await press(page, "#race");
      await pressText(page, "Stop");
      await waitForText(page, "Stopped.");
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
