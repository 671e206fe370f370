/** @module How tests and pictures come to a view and to a state. */
import type { ElementHandle, Page } from "puppeteer-core";

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

/** Goes to another view as a link does, without loading the page anew. */
export async function go(page: Page, view: string): Promise<void> {
  await page.evaluate((name) => {
    location.hash = `#/${name}`;
  }, view);
  await page.waitForSelector(`#main[data-shown="${view.split(/[/?]/)[0]}"]`);
}

export async function pressText(page: Page, text: string): Promise<void> {
  await page.waitForFunction(
    (wanted) =>
      [...document.querySelectorAll("button")].some((one) => one.textContent === wanted && !one.disabled),
    {},
    text,
  );
  await page.evaluate((wanted) => {
    [...document.querySelectorAll("button")].find((one) => one.textContent === wanted)!.click();
  }, text);
}

export const textOf = (page: Page, selector: string): Promise<string> =>
  page.$eval(selector, (element) => element.textContent ?? "");

/** Trains until both have written something; on the text that is chosen where the view is open already. */
export async function train(page: Page, address: string, opening = true): Promise<void> {
  if (opening) await open(page, address, "train");
  await press(page, "#train");
  await page.waitForFunction(
    () => {
      const written = [...document.querySelectorAll(".written")];
      return written.length > 0 && written.every((one) => !one.querySelector(".waiting"));
    },
    { timeout: 90_000 },
  );
}

/** Takes one of several that exclude each other, by its value. */
export const choose = (page: Page, value: string) =>
  page.evaluate(
    (wanted) => document.querySelector<HTMLInputElement>(`input[value="${wanted}"]`)!.click(),
    value,
  );

/** Waits until a run has come further than a part of the whole. */
export const progressed = (page: Page, part: number) =>
  page.waitForFunction(
    (wanted) => document.querySelector("progress")!.value > wanted,
    { timeout: 120_000 },
    part,
  );

/** Scores one text, two texts, and sorts the lines of a log. */
export async function scoreOne(page: Page): Promise<void> {
  await press(page, "#score");
  await waitForText(page, "Surprised it most");
}

export async function scoreTwo(page: Page): Promise<void> {
  await choose(page, "two");
  await press(page, "#score");
  await waitForText(page, "is more like what the model learnt");
}

export async function sortLog(page: Page): Promise<void> {
  await choose(page, "lines");
  await pressText(page, "Take a log with four odd lines");
  await page.waitForFunction(() => document.querySelector("textarea")!.value.length > 1000);
  await press(page, "#score");
  await waitForText(page, "Strangest first");
}

/** Trains on the log for long enough to know its lines, and goes to Score. */
export async function learnLog(page: Page, address: string): Promise<void> {
  await open(page, address, "train");
  await choose(page, "log");
  await train(page, address, false);
  await progressed(page, 0.3);
  await pressText(page, "Stop");
  await waitForText(page, "Write with it");
  await go(page, "score");
}

export async function write(page: Page): Promise<void> {
  await press(page, "#write");
  await waitForText(page, "on average");
}

export async function explain(page: Page): Promise<void> {
  await press(page, "#explain");
  await page.waitForFunction(() => document.querySelectorAll(".chapter .unmade").length === 0, {
    timeout: 200_000,
  });
}

export async function race(page: Page): Promise<void> {
  await press(page, "#race");
  await page.waitForFunction(() => document.querySelector(".share, .race .notice"), { timeout: 110_000 });
}

export async function findInDocs(page: Page): Promise<void> {
  await page.type('input[type="search"]', "checkpoint resume");
  await page.waitForSelector(".found a");
}

/** Opens a file as a model. */
export async function openModelFile(page: Page, path: string): Promise<void> {
  const input = (await page.$("#model-file")) as ElementHandle<HTMLInputElement>;
  await input.uploadFile(path);
}

/** What a browser may lack, before the page's own scripts run. */
export const withoutSimd = (page: Page) =>
  page.evaluateOnNewDocument(() => {
    WebAssembly.validate = () => false;
  });

export const withoutStore = (page: Page) =>
  page.evaluateOnNewDocument(() => {
    Object.defineProperty(window, "indexedDB", { value: undefined });
  });

/** Types the beginning of a word and takes what completes it, from which the model learns. */
export async function acceptWord(page: Page): Promise<void> {
  await page.type("textarea", "wha");
  await page.waitForFunction(() =>
    [...document.querySelectorAll(".suggestion b")].some((one) => one.textContent === "wha"),
  );
  await press(page, ".suggestion");
  await waitForText(page, "It has learnt from");
}
