/** @module What a stranger tries who has read nothing: a text of one's own, the keyboard alone, files on the wrong place. */
import assert from "node:assert/strict";
import type { Page } from "puppeteer-core";
import { audit } from "./audit.ts";
import type { Step } from "./run.ts";
import { choose, go, open, press, pressText, textOf, train, waitForText } from "./scenes.ts";
import { set } from "./trouble.ts";

/** Pastes into the field for one's own text, as a clipboard does. */
async function paste(page: Page, text: string, own = true): Promise<void> {
  if (own) await choose(page, "own");
  await page.evaluate((given) => {
    const field = document.querySelector("textarea")!;
    field.focus();
    field.select();
    document.execCommand("insertText", false, given);
  }, text);
}

/** Drops a file on an element. */
async function drop(page: Page, selector: string, name: string, bytes: readonly number[]): Promise<void> {
  await page.$eval(
    selector,
    (element, called, content) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([Uint8Array.from(content as number[])], called as string));
      for (const type of ["dragover", "drop"])
        element.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
    },
    name,
    bytes,
  );
}

/** Pastes by a clipboard's own event, as large texts come. @returns whether the page took it into its own hands */
const pasteLarge = (page: Page, words: string, times: number) =>
  page.$eval(
    "textarea",
    (field, text) => {
      const event = new Event("paste", { bubbles: true, cancelable: true });
      Object.assign(event, { clipboardData: { getData: () => text } });
      return !field.dispatchEvent(event);
    },
    words.repeat(times),
  );

const bytesOf = (text: string) => [...new TextEncoder().encode(text)];

/** What has the focus, by its role's element and its name. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const element = document.activeElement as HTMLElement;
    const labels = (element as HTMLInputElement).labels;
    return `${element.tagName} ${element.getAttribute("aria-label") ?? labels?.[0]?.textContent ?? element.textContent?.trim().slice(0, 40)}`;
  });

/** Presses Tab until something has the focus, and that is seen. */
async function tabTo(page: Page, wanted: RegExp): Promise<void> {
  const passed: string[] = [];
  for (let presses = 0; presses < 40; presses++) {
    await page.keyboard.press("Tab");
    const now = await focused(page);
    passed.push(now);
    if (!wanted.test(now)) continue;
    const seen = await page.evaluate(() => {
      const { activeElement } = document;
      const drawn = activeElement!.matches(".chip input")
        ? activeElement!.nextElementSibling!
        : activeElement!;
      return getComputedStyle(drawn).outlineStyle;
    });
    return assert.notEqual(seen, "none", `${now} shows that it has the focus`);
  }
  assert.fail(`${wanted} was not among\n${passed.join("\n")}`);
}

const SENTENCES = [
  "The cat sat on the mat. ",
  "A dog ran to the red house! ",
  "Why did the old cat run, Ann? ",
];

/** Texts of one's own that are odd, and are learnt all the same. */
const ODD: readonly (readonly [string, string])[] = [
  ["a short one", SENTENCES.join("").repeat(6)],
  ["one of two symbols", "ab".repeat(2000)],
  ["one without a space", "the-quick-brown-fox-".repeat(200)],
  ["other scripts and emoji", "Привет, мир! 你好，世界。👩‍🚀 é\r\n".repeat(120)],
];

/** @returns problems that the page tells, each where it stands */
const problems = (page: Page) =>
  page.$$eval(".notice.problem", (notices) => notices.map((one) => one.textContent));

/** Keeps something as the first version of the page did: beside its card, as a blob. */
function keepAsBefore(): Promise<void> {
  return new Promise((resolve, reject) => {
    const opened = indexedDB.open("svi-lm", 1);
    opened.onupgradeneeded = () => opened.result.createObjectStore("models", { keyPath: "id" });
    opened.onerror = () => reject(opened.error);
    opened.onsuccess = () => {
      const transaction = opened.result.transaction("models", "readwrite");
      const card = {
        name: "Old whale",
        text: "Moby Dick",
        tokenizer: "character",
        heldOutBits: 2,
        prompt: "",
      };
      const bytes = new Blob(["not a model at all"]);
      transaction.objectStore("models").put({ id: "1", card, size: 18, saved: 0, bytes });
      transaction.oncomplete = () => {
        opened.result.close();
        resolve();
      };
    };
  });
}

export const stranger: readonly Step[] = [
  [
    "texts of one's own are learnt: short ones, of few symbols, of other scripts",
    async ({ page, site }) => {
      await open(page, site.address, "train");
      for (const [what, text] of ODD) {
        await paste(page, text);
        await press(page, "#train");
        await page.waitForFunction(
          () =>
            document.querySelector(".notice.problem") ||
            (document.querySelector("progress")?.value ?? 0) > 0.02,
          { timeout: 60_000 },
        );
        assert.deepEqual(await problems(page), [], what);
        await pressText(page, "Stop");
        await page.waitForFunction(
          () =>
            document.querySelector(".next:not([hidden])") && !document.querySelector(".writer.own .waiting"),
          { timeout: 60_000 },
        );
        assert.deepEqual(await problems(page), [], what);
      }
    },
  ],
  [
    "a file that is dropped beside the field is taken, or refused in words",
    async ({ page, site }) => {
      await open(page, site.address, "train");
      await drop(page, ".chips", "story.txt", bytesOf("Once upon a time there was a whale. ".repeat(40)));
      await page.waitForFunction(() => document.querySelector("textarea")!.value.startsWith("Once upon"));
      assert.equal(await page.$eval('input[value="own"]', (one) => (one as HTMLInputElement).checked), true);
      await drop(page, "textarea", "cat.jpg", [255, 216, 255, 0, 0, 1]);
      await waitForText(page, "cat.jpg is not a text in UTF-8");
      assert.equal((await problems(page)).length, 1);
      // What was there before is still there.
      assert.match(await page.$eval("textarea", (one) => one.value), /^Once upon/);
      await open(page, site.address, "keep");
      await drop(page, ".keep", "cat.jpg", [255, 216, 255, 0, 0, 1]);
      await waitForText(page, "This file is not a model, or it is damaged");
      await audit(page, "Keep, a picture was dropped");
    },
  ],
  [
    "a paste of megabytes is kept beside the field, and the field can be emptied",
    async ({ page, site }) => {
      await open(page, site.address, "train");
      await choose(page, "own");
      assert.equal(await pasteLarge(page, "the sea and the sky\n", 100_000), true);
      await waitForText(page, "The first 20,000 of 2,000,000 characters are shown; all of them are used.");
      await pressText(page, "Empty the field");
      assert.equal(await page.$eval("textarea", ({ value, readOnly }) => value + readOnly), "false");
      assert.equal(await pasteLarge(page, "the sea and the sky\n", 450_000), true);
      await press(page, "#train");
      await waitForText(page, "Paste at most 8 MB");
    },
  ],
  [
    "settings, drafts and texts are there again when a view is opened again",
    async ({ page, site }) => {
      await open(page, site.address, "train");
      await press(page, "#settings");
      await set(page, { Units: 64, Readings: 3 });
      await go(page, "keep");
      await go(page, "train");
      await press(page, "#settings");
      const value = (label: string) =>
        page.$$eval(
          ".setting label",
          (labels, wanted) =>
            (
              (labels as HTMLLabelElement[]).find(({ textContent }) => textContent === wanted)!
                .control as HTMLInputElement
            ).value,
          label,
        );
      assert.equal(await value("Units"), "64");
      assert.equal(await value("Readings"), "3");
      await train(page, site.address, false);
      await pressText(page, "Stop");
      await waitForText(page, "Write with it");
      await go(page, "write");
      assert.match(await textOf(page, ".model-line"), /1 × 64 LSTM/);
      await page.type("textarea", "draft");
      await go(page, "score");
      await paste(page, "My own words.", false);
      await drop(page, "textarea", "cat.jpg", [255, 216, 255, 0, 0, 1]);
      await waitForText(page, "cat.jpg is not a text in UTF-8");
      await go(page, "write");
      assert.match(await page.$eval("textarea", (one) => one.value), /draft$/);
      await go(page, "score");
      assert.equal(await page.$eval("textarea", (one) => one.value), "My own words.");
    },
  ],
  [
    "everything is done by keyboard alone, and what has the focus is seen",
    async ({ page, site }) => {
      await open(page, site.address, "train");
      await page.keyboard.press("Tab");
      assert.match(await focused(page), /Skip to the content/);
      await page.keyboard.press("Enter");
      await tabTo(page, /Moby Dick/);
      for (let presses = 0; presses < 3; presses++) await page.keyboard.press("ArrowRight");
      await waitForText(page, "4,951 first names");
      await tabTo(page, /BUTTON Train/);
      await tabTo(page, /BUTTON Settings/);
      await page.keyboard.press("Enter");
      await tabTo(page, /INPUT Units/);
      await page.keyboard.press("Escape");
      await page.focus("#train");
      await page.keyboard.press("Enter");
      await page.waitForSelector(".stage");
      await page.waitForFunction(() => (document.querySelector("progress")?.value ?? 0) > 0.005, {
        timeout: 60_000,
      });
      await page.focus("#train");
      await tabTo(page, /BUTTON Pause/);
      await page.keyboard.press(" ");
      await waitForText(page, "Paused");
      assert.match(await focused(page), /BUTTON Continue/);
      await tabTo(page, /BUTTON Stop/);
      await page.keyboard.press("Enter");
      await waitForText(page, "Write with it");
      // The button that was pressed is gone: the keyboard continues at what took its place.
      await page.waitForFunction(() => document.activeElement?.textContent === "Write with it");
      await page.keyboard.press("Enter");
      await page.waitForSelector('#main[data-shown="write"]');
      await tabTo(page, /TEXTAREA It continues from/);
      await page.keyboard.type("Ann");
      await page.waitForFunction(() => document.querySelector(".suggestions")!.textContent !== "");
      await tabTo(page, /BUTTON Write/);
      await page.keyboard.press("Enter");
      await waitForText(page, "on average");
      await tabTo(page, /DIV What was written/);
      await page.keyboard.press("ArrowRight");
      await page.waitForSelector(".likeliest li");
      assert.match(await textOf(page, ".details"), /The model was unsure by/);
    },
  ],
  [
    "what an earlier version of the page kept is listed, opened and deleted",
    async ({ page, site }) => {
      await open(page, site.address, "race");
      await page.evaluate(keepAsBefore);
      await open(page, site.address, "keep");
      await page.waitForSelector(".model");
      assert.equal(await page.$eval(".model input", (one) => (one as HTMLInputElement).value), "Old whale");
      // It is read from where it lies, and refused for what it is.
      await pressText(page, "Use");
      await waitForText(page, "This file is not a model, or it is damaged");
      await pressText(page, "Delete");
      await pressText(page, "Delete it for good?");
      await waitForText(page, "None yet.");
    },
  ],
];
