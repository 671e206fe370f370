/** @module Every view and state that pictures are taken of, and how to come there. */
import type { ElementHandle, Page } from "puppeteer-core";
import { go, pressText } from "./journey.ts";
import { open, press, train, waitForText } from "./scenes.ts";
import { file, keepWorkers, lookAway, openFile, trainTooLarge } from "./trouble.ts";

export interface Scene {
  readonly name: string;
  /** Continues on the page of the scene before. */
  readonly follows?: true;
  /** What stands in the page before its own scripts run. */
  before?(page: Page): Promise<unknown>;
  show(page: Page, address: string): Promise<unknown>;
}

const simple = (name: string, view: string): Scene => ({
  name,
  show: (page, site) => open(page, site, view),
});

const progressed = (page: Page, part: number) =>
  page.waitForFunction(
    (wanted) => document.querySelector("progress")!.value > wanted,
    { timeout: 120_000 },
    part,
  );

const choose = (page: Page, value: string) =>
  page.evaluate(
    (wanted) => document.querySelector<HTMLInputElement>(`input[value="${wanted}"]`)!.click(),
    value,
  );

/** What one run shows from beginning to end, and what is done with its model. */
const RUN: readonly Scene[] = [
  {
    name: "train-running",
    async show(page, site) {
      await train(page, site);
      await progressed(page, 0.12);
    },
  },
  { name: "train-paused", follows: true, show: (page) => pressText(page, "Pause") },
  {
    name: "train-background",
    follows: true,
    async show(page) {
      await pressText(page, "Continue");
      await lookAway(page, 0.16);
    },
  },
  {
    name: "train-done",
    follows: true,
    async show(page) {
      await pressText(page, "Stop");
      await waitForText(page, "Write with it");
    },
  },
  {
    name: "train-memory",
    follows: true,
    show: trainTooLarge,
  },
  {
    name: "write-written",
    follows: true,
    async show(page) {
      await go(page, "write");
      await press(page, "#write");
      await waitForText(page, "on average");
      await page.focus(".shaded");
      for (let i = 0; i < 12; i++) await page.keyboard.press("ArrowRight");
      await page.waitForSelector(".likeliest");
    },
  },
  {
    name: "score-one",
    follows: true,
    async show(page) {
      await go(page, "score");
      await press(page, "#score");
      await waitForText(page, "Surprised it most");
    },
  },
  {
    name: "score-two",
    follows: true,
    async show(page) {
      await choose(page, "two");
      await press(page, "#score");
      await waitForText(page, "is more like what the model learnt");
    },
  },
  {
    name: "score-lines",
    follows: true,
    async show(page) {
      await choose(page, "lines");
      await pressText(page, "Take a log with four odd lines");
      await page.waitForFunction(() => document.querySelector("textarea")!.value.length > 1000);
      await press(page, "#score");
      await waitForText(page, "Strangest first");
    },
  },
  {
    name: "keep-kept",
    follows: true,
    async show(page) {
      await go(page, "keep");
      await press(page, "#keep");
      await page.waitForSelector(".model");
    },
  },
];

const TROUBLE: readonly Scene[] = [
  {
    name: "trouble-no-simd",
    before: (page) =>
      page.evaluateOnNewDocument(() => {
        WebAssembly.validate = () => false;
      }),
    async show(page, site) {
      await open(page, site, "train");
      await press(page, "#train");
      await page.waitForSelector(".stage .notice");
    },
  },
  {
    name: "trouble-binary",
    async show(page, site) {
      await open(page, site, "train");
      await openFile(page, file("picture.png", new Uint8Array(5000)));
      await waitForText(page, "is not a text in UTF-8");
    },
  },
  {
    name: "trouble-large",
    async show(page, site) {
      await open(page, site, "train");
      await openFile(page, file("large.txt", "the sea and the sky\n".repeat(500_000)));
      await waitForText(page, "more than the 8 MB");
    },
  },
  {
    name: "trouble-worker",
    before: keepWorkers,
    async show(page, site) {
      await train(page, site);
      await progressed(page, 0.03);
      await page.evaluate(() => (window as unknown as { made: Worker[] }).made[0].terminate());
      await waitForText(page, "Interrupted");
    },
  },
  {
    name: "trouble-no-store",
    before: (page) =>
      page.evaluateOnNewDocument(() => {
        Object.defineProperty(window, "indexedDB", { value: undefined });
      }),
    async show(page, site) {
      await open(page, site, "keep");
      await waitForText(page, "This browser keeps nothing");
    },
  },
  {
    name: "trouble-model",
    async show(page, site) {
      await open(page, site, "keep");
      const input = (await page.$("#model-file")) as ElementHandle<HTMLInputElement>;
      await input.uploadFile(file("other.safetensors", "not a model at all"));
      await waitForText(page, "Open a file that was saved here");
    },
  },
  {
    name: "trouble-forged",
    async show(page, site) {
      await open(page, site, "race?result=WyJ4");
      await waitForText(page, "does not hold a result");
    },
  },
  {
    name: "trouble-offline",
    // The service worker has a connection of its own, which a page's offline mode does not cut.
    before: (page) =>
      page.evaluateOnNewDocument(() => {
        const fetched = window.fetch;
        window.fetch = (what, ...rest) =>
          String(what).includes("docs/") ? Promise.reject(new TypeError("offline")) : fetched(what, ...rest);
      }),
    async show(page, site) {
      await open(page, site, "train");
      await page.setOfflineMode(true);
      await page.evaluate(() => {
        location.hash = "#/docs";
      });
      await waitForText(page, "was not kept on this device yet");
    },
  },
  {
    name: "loading",
    before: async (page) => {
      await page.setRequestInterception(true);
      page.on("request", (request) => {
        if (!request.url().endsWith("pages.json")) void request.continue();
      });
    },
    async show(page, site) {
      await page.goto(`${site}#/docs`);
      await page.waitForSelector(".loading");
    },
  },
];

const DOCS: readonly Scene[] = [
  simple("docs-index", "docs"),
  {
    name: "docs-ran",
    async show(page, site) {
      await open(page, site, "docs/guide/metrics");
      await page.waitForSelector(".example .run");
      await page.$$eval(".example .run", (buttons) => (buttons.at(-1) as HTMLButtonElement).click());
      await page.waitForFunction(
        () => document.querySelectorAll('.example[data-state="ended"]').length === 2,
      );
    },
  },
  {
    name: "docs-running",
    async show(page, site) {
      await open(page, site, "docs/guide/train");
      await page.waitForSelector(".example .run");
      await page.$$eval(".example .run", (buttons) => (buttons[2] as HTMLButtonElement).click());
      await waitForText(page, "200000 tokens, 79 different ones");
    },
  },
  simple("docs-idle", "docs/guide/threads"),
  {
    name: "docs-found",
    async show(page, site) {
      await open(page, site, "docs");
      await page.type('input[type="search"]', "checkpoint resume");
      await page.waitForSelector(".found a");
    },
  },
  simple("docs-reference", "docs/reference/svi-lm/rescoring"),
];

export const SCENES: readonly Scene[] = [
  simple("train-empty", "train"),
  {
    name: "train-settings",
    async show(page, site) {
      await open(page, site, "train");
      await press(page, ".settings summary");
    },
  },
  {
    name: "train-own",
    async show(page, site) {
      await open(page, site, "train");
      await press(page, ".own summary");
    },
  },
  ...RUN,
  simple("write-empty", "write"),
  simple("score-empty", "score"),
  simple("keep-empty", "keep"),
  simple("race-empty", "race"),
  {
    name: "race-done",
    async show(page, site) {
      await open(page, site, "race");
      await press(page, "#race");
      await page.waitForSelector(".share", { timeout: 110_000 });
    },
  },
  simple("explain-empty", "explain"),
  {
    name: "explain-made",
    async show(page, site) {
      await open(page, site, "explain");
      await press(page, "#explain");
      await page.waitForFunction(() => document.querySelectorAll(".chapter .unmade").length === 0, {
        timeout: 200_000,
      });
    },
  },
  ...DOCS,
  ...TROUBLE,
];
