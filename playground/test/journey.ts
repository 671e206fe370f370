/** @module What a visitor does, from the first press to a scored text, with accessibility looked at on the way. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Page } from "puppeteer-core";
import { audit } from "./audit.ts";
import type { Step, Visit } from "./run.ts";
import {
  acceptWord,
  go,
  learnLog,
  open,
  press,
  pressText,
  scoreOne,
  scoreTwo,
  sortLog,
  textOf,
  waitForText,
  write,
} from "./scenes.ts";

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

/** Words that a text must have to be judged: its first ones are the prompt. */
const ENOUGH_WORDS = 12;

/** The part of its words that the book has too; 0 where there are too few. */
function readable(text: string): number {
  const words = text.toLowerCase().match(/[a-z]{2,}/g) ?? [];
  if (words.length < ENOUGH_WORDS) return 0;
  return words.filter((word) => BOOK.has(word)).length / words.length;
}

async function writesWords({ page, slower }: Visit): Promise<void> {
  const patience = 60 * slower;
  const started = performance.now();
  await page.waitForFunction(() => document.querySelector(".writer.own .written:not(:has(.waiting))"), {
    timeout: patience * 1000,
  });
  for (;;) {
    const share = readable(await textOf(page, ".writer.own .written"));
    const seconds = (performance.now() - started) / 1000;
    if (share >= 0.5)
      return console.log(
        `readable words ${seconds.toFixed(1)} s after Train: ${(share * 100).toFixed(0)} % are the book's`,
      );
    assert.ok(
      seconds < patience,
      `after ${patience} s ${(share * 100).toFixed(0)} % of the words are the book's`,
    );
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

async function trains(visit: Visit): Promise<void> {
  const { page, site } = visit;
  await open(page, site.address, "train");
  await audit(page, "Train, empty");
  const frames = await watchFrames(page);
  await press(page, "#train");
  await writesWords(visit);
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
  await acceptWord(page);
  assert.match(await page.$eval("textarea", (field) => field.value), /^The wha[a-z'’-]* $/);
  await write(page);
  assert.ok((await page.$$(".shaded span")).length > 100);
  await page.focus(".shaded");
  for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowRight");
  await page.waitForFunction(() => document.querySelectorAll(".likeliest li").length === 5);
  await audit(page, "Write, written");
  await stopsWriting(page);
}

/** The seed gives the same text again; Stop leaves what there is. */
async function stopsWriting(page: Page): Promise<void> {
  const before = await textOf(page, ".shaded");
  await press(page, "#write");
  await page.waitForFunction(() => document.querySelectorAll(".shaded span").length > 20);
  await page.waitForFunction(() => document.querySelector("#write")!.textContent === "Write");
  assert.equal(await textOf(page, ".shaded"), before);
  await page.$$eval('input[type="range"]', (fields) => {
    (fields[2] as HTMLInputElement).value = "1000";
  });
  await press(page, "#write");
  await page.waitForFunction(() => document.querySelectorAll(".shaded span").length > 20);
  await press(page, "#write");
  await page.waitForFunction(() => document.querySelector("#write")!.textContent === "Write");
  const { length } = await page.$$(".shaded span");
  assert.ok(length > 20 && length < 1000, `${length} spans after Stop`);
}

async function scores(page: Page): Promise<void> {
  await go(page, "score");
  await scoreOne(page);
  assert.match(await textOf(page, ".ranking"), /smartphone/);
  await audit(page, "Score, one text");
  await scoreTwo(page);
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
      await learnLog(page, site.address);
      await sortLog(page);
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
];

/** What stands in views before there is anything to show. */
export const views: readonly Step[] = [
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
  [
    "a view that is left before it has come does not cover the next one",
    async ({ page, site }) => {
      await open(page, site.address, "keep");
      await page.evaluate(async () => {
        const next = () => new Promise((resolve) => setTimeout(resolve, 10));
        const fetched = window.fetch;
        // As on a slow line.
        window.fetch = (what, ...rest) =>
          String(what).includes("docs/") ? new Promise(() => {}) : fetched(what, ...rest);
        for (const view of ["docs", "race", "docs/guide/train", "keep"]) {
          location.hash = `#/${view}`;
          await next();
        }
        await new Promise((resolve) => setTimeout(resolve, 400));
      });
      await page.waitForSelector('#main[data-shown="keep"]');
      await waitForText(page, "No model is in use");
      assert.equal(await page.$(".loading"), null);
      await go(page, "race");
      await page.evaluate(() => {
        location.hash = "#/docs";
      });
      await page.waitForSelector(".loading");
      await audit(page, "Docs, loading");
    },
  ],
];
