/** @module What a visitor does, from the first press to a scored text, with accessibility looked at on the way. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Page } from "puppeteer-core";
import { audit } from "./audit.ts";
import type { Step } from "./run.ts";
import { open, press, train, waitForText } from "./scenes.ts";

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

/** The longest time between two frames, in milliseconds, from now until `end`. */
async function watchFrames(page: Page): Promise<{ end(): Promise<number> }> {
  await page.evaluate(() => {
    let last = performance.now();
    const watch = { longest: 0 };
    Object.assign(window, { watch });
    requestAnimationFrame(function frame(now) {
      watch.longest = Math.max(watch.longest, now - last);
      last = now;
      requestAnimationFrame(frame);
    });
  });
  return {
    end: () => page.evaluate(() => (window as unknown as { watch: { longest: number } }).watch.longest),
  };
}

const BOOK = new Set(
  readFileSync("build/playground/samples/moby-dick.txt", "utf8")
    .toLowerCase()
    .match(/[a-z]{2,}/g),
);

/** The part of its words that the book has too. */
function readable(text: string): number {
  const words = text.toLowerCase().match(/[a-z]{2,}/g) ?? [];
  return words.filter((word) => BOOK.has(word)).length / Math.max(1, words.length);
}

async function writesWords(page: Page): Promise<void> {
  const started = performance.now();
  await page.waitForFunction(() => document.querySelector(".writer.own .written:not(:has(.waiting))"), {
    timeout: 60_000,
  });
  for (;;) {
    const share = readable(await textOf(page, ".writer.own .written"));
    const seconds = (performance.now() - started) / 1000;
    if (share >= 0.5)
      return console.log(
        `readable words ${seconds.toFixed(1)} s after Train: ${(share * 100).toFixed(0)} % are the book's`,
      );
    assert.ok(seconds < 60, `after a minute ${(share * 100).toFixed(0)} % of the words are the book's`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

async function trains({ page, site }: Parameters<Step[1]>[0]): Promise<void> {
  await open(page, site.address, "train");
  await audit(page, "Train, empty");
  const frames = await watchFrames(page);
  await press(page, "#train");
  await writesWords(page);
  console.log(`longest gap between frames: ${(await frames.end()).toFixed(0)} ms`);
  await page.waitForFunction(() =>
    document.querySelector(".verdict")?.textContent?.includes("maximum likelihood"),
  );
  await pressText(page, "Pause");
  await waitForText(page, "Paused");
  // Steps that were under way end, and are seen.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const before = await page.$eval("progress", (bar) => bar.value);
  await new Promise((resolve) => setTimeout(resolve, 600));
  assert.equal(await page.$eval("progress", (bar) => bar.value), before, "nothing is trained in a pause");
  await audit(page, "Train, paused");
  await pressText(page, "Continue");
  await page.waitForFunction((value) => document.querySelector("progress")!.value > value, {}, before);
  await pressText(page, "Stop");
  await waitForText(page, "Write with it");
  await audit(page, "Train, done");
}

async function writes(page: Page): Promise<void> {
  await go(page, "write");
  await page.waitForSelector(".suggestion");
  await page.type("textarea", "wha");
  await page.waitForFunction(() =>
    [...document.querySelectorAll(".suggestion b")].some((one) => one.textContent === "wha"),
  );
  await press(page, ".suggestion");
  assert.match(await page.$eval("textarea", (field) => field.value), /^The wha[a-z'’-]* $/);
  await waitForText(page, "It has learnt from");
  await press(page, "#write");
  await waitForText(page, "on average");
  assert.ok((await page.$$(".shaded span")).length > 100);
  await page.focus(".shaded");
  for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowRight");
  await page.waitForFunction(() => document.querySelectorAll(".likeliest li").length === 5);
  await audit(page, "Write, written");
}

async function scores(page: Page): Promise<void> {
  await go(page, "score");
  await press(page, "#score");
  await waitForText(page, "Surprised it most");
  assert.match(await textOf(page, ".ranking"), /smartphone/);
  await audit(page, "Score, one text");
  await page.evaluate(() => document.querySelector<HTMLInputElement>('input[value="two"]')!.click());
  await press(page, "#score");
  await waitForText(page, "The first text is more like what the model learnt");
  await audit(page, "Score, two texts");
}

export const journey: readonly Step[] = [
  [
    "trains two models, pauses, continues, stops, then writes and scores",
    async (visit) => {
      await trains(visit);
      await writes(visit.page);
      await scores(visit.page);
    },
  ],
  [
    "a log's strange lines come first",
    async ({ page, site }) => {
      await open(page, site.address, "train");
      await page.evaluate(() => document.querySelector<HTMLInputElement>('input[value="log"]')!.click());
      await train(page, site.address, false);
      await page.waitForFunction(() => document.querySelector("progress")!.value > 0.3, { timeout: 100_000 });
      await pressText(page, "Stop");
      await waitForText(page, "Write with it");
      await go(page, "score");
      await page.evaluate(() => document.querySelector<HTMLInputElement>('input[value="lines"]')!.click());
      await pressText(page, "Take a log with four odd lines");
      await page.waitForFunction(() => document.querySelector("textarea")!.value.length > 1000);
      await press(page, "#score");
      await waitForText(page, "Strangest first");
      const first = await page.$$eval(".strange code", (lines) =>
        lines.slice(0, 8).map((line) => line.textContent),
      );
      assert.ok(
        first.some((line) => line?.includes("passwd")) && first.some((line) => line?.includes("worker 3")),
        first.join("\n"),
      );
      await audit(page, "Score, lines");
    },
  ],
  [
    "views without a model say how to have one",
    async ({ page, site }) => {
      for (const view of ["write", "score", "keep", "race"]) {
        await open(page, site.address, view);
        if (view !== "race")
          await waitForText(page, view === "keep" ? "No model is in use" : "There is no model yet");
        await audit(page, `${view}, empty`);
      }
    },
  ],
];
