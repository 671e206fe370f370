/** @module Every view and state that pictures are taken of, and how to come there. */
import type { Page } from "puppeteer-core";
import { HASH } from "../src/views/race/result.ts";
import { lendModel } from "./rooms.ts";
import {
  acceptWord,
  choose,
  explain,
  findInDocs,
  go,
  learnLog,
  open,
  openModelFile,
  press,
  pressText,
  progressed,
  race,
  scoreOne,
  scoreTwo,
  sortLog,
  train,
  waitForText,
  withoutSimd,
  withoutStore,
  write,
} from "./scenes.ts";
import {
  file,
  keepWorkers,
  lookAway,
  loseWorkers,
  newerModel,
  openFile,
  resultLink,
  trainTooLarge,
  type,
} from "./trouble.ts";

export interface Scene {
  readonly name: string;
  /** Continues on the page of the scene before. */
  readonly follows?: true;
  /** What the site serves for this scene; it begins with a browser that was never here. */
  lend?(lent: Map<string, Uint8Array>): Promise<unknown>;
  /** What stands in the page before its own scripts run. */
  before?(page: Page): Promise<unknown>;
  show(page: Page, address: string): Promise<unknown>;
}

const simple = (name: string, view: string): Scene => ({
  name,
  show: (page, site) => open(page, site, view),
});

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
      await write(page);
      await page.focus(".shaded");
      for (let i = 0; i < 12; i++) await page.keyboard.press("ArrowRight");
      await page.waitForSelector(".likeliest");
    },
  },
  {
    name: "write-learnt",
    follows: true,
    async show(page) {
      await choose(page, "mutualInformation");
      await acceptWord(page);
    },
  },
  {
    name: "score-one",
    follows: true,
    async show(page) {
      await go(page, "score");
      await scoreOne(page);
    },
  },
  { name: "score-doubt", follows: true, show: (page) => choose(page, "doubt") },
  {
    name: "score-two",
    follows: true,
    show: scoreTwo,
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

const LOG: Scene = {
  name: "score-lines",
  async show(page, site) {
    await learnLog(page, site);
    await sortLog(page);
  },
};

/** A model that the site offers, which has one set of weights. */
const OFFERED: readonly Scene[] = [
  {
    name: "keep-offered",
    lend: lendModel,
    async show(page, site) {
      await open(page, site, "keep");
      await waitForText(page, "Trained already");
    },
  },
  {
    name: "write-point",
    follows: true,
    async show(page) {
      await page.$$eval(".model button", (buttons) => (buttons[0] as HTMLElement).click());
      await page.waitForSelector(".model-line");
      await go(page, "write");
      await write(page);
    },
  },
  {
    name: "score-point",
    follows: true,
    async show(page) {
      await go(page, "score");
      await page.$eval("textarea", (field) => {
        field.value = "abab abba";
        field.dispatchEvent(new Event("input"));
      });
      await press(page, "#score");
      await page.waitForSelector(".result .notice, .result .ranking");
    },
  },
];

const TROUBLE: readonly Scene[] = [
  {
    name: "trouble-no-simd",
    before: withoutSimd,
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
    name: "trouble-short",
    async show(page, site) {
      await open(page, site, "train");
      await type(page, "too short");
      await press(page, "#train");
      await waitForText(page, "The text has 9 characters");
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
    name: "trouble-worker-write",
    before: keepWorkers,
    async show(page, site) {
      await train(page, site);
      await pressText(page, "Stop");
      await waitForText(page, "Write with it");
      await go(page, "write");
      await loseWorkers(page);
      await press(page, "#write");
      await waitForText(page, "Start it again");
    },
  },
  {
    name: "trouble-no-store",
    before: withoutStore,
    async show(page, site) {
      await open(page, site, "keep");
      await waitForText(page, "This browser keeps nothing");
    },
  },
  {
    name: "trouble-model",
    async show(page, site) {
      await open(page, site, "keep");
      await openModelFile(page, file("other.safetensors", "not a model at all"));
      await waitForText(page, "Open a file that was saved here");
    },
  },
  {
    name: "trouble-version",
    async show(page, site) {
      await open(page, site, "keep");
      await openModelFile(page, newerModel());
      await waitForText(page, "Train it again, or open it with");
    },
  },
  {
    name: "trouble-cut",
    async show(page, site) {
      await open(page, site, "race?result=WyJ4");
      await waitForText(page, "does not hold a result");
    },
  },
  {
    name: "trouble-forged",
    async show(page, site) {
      await open(page, site, resultLink(["Their laptop", 59, 54, 9000, 51, 9, "0".repeat(64)]));
      await waitForText(page, "is not believed");
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
    // As the service worker's own: by now it may have kept what is waited for.
    before: (page) =>
      page.evaluateOnNewDocument(() => {
        const fetched = window.fetch;
        window.fetch = (what, ...rest) =>
          String(what).includes("docs/") ? new Promise(() => {}) : fetched(what, ...rest);
      }),
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
      await findInDocs(page);
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
      await press(page, "#settings");
    },
  },
  {
    name: "train-own",
    async show(page, site) {
      await open(page, site, "train");
      await choose(page, "own");
    },
  },
  simple("write-empty", "write"),
  simple("score-empty", "score"),
  simple("keep-empty", "keep"),
  {
    name: "train-loading",
    // Workers that hear nothing: the text stays to be read.
    before: (page) =>
      page.evaluateOnNewDocument(() => {
        Worker.prototype.postMessage = () => {};
      }),
    async show(page, site) {
      await open(page, site, "train");
      await press(page, "#train");
      await page.waitForSelector(".stage");
    },
  },
  {
    name: "train-alone",
    async show(page, site) {
      await open(page, site, "train");
      await press(page, "#settings");
      await press(page, ".check input");
      await press(page, "#settings");
      await train(page, site, false);
      await progressed(page, 0.05);
    },
  },
  ...RUN,
  LOG,
  ...OFFERED,
  simple("race-empty", "race"),
  {
    name: "race-running",
    async show(page, site) {
      await open(page, site, "race");
      await press(page, "#race");
      await waitForText(page, "Some ten seconds of work");
    },
  },
  {
    name: "race-done",
    async show(page, site) {
      await open(page, site, "race");
      await race(page);
    },
  },
  {
    name: "race-shared",
    async show(page, site) {
      await open(page, site, resultLink(["Their laptop", 59, 54, 9000, 51, 9, HASH]));
      await waitForText(page, "Their laptop (from the link)");
    },
  },
  simple("explain-empty", "explain"),
  {
    name: "explain-running",
    async show(page, site) {
      await open(page, site, "explain");
      await press(page, "#explain");
      await progressed(page, 0.1);
    },
  },
  {
    name: "explain-made",
    async show(page, site) {
      await open(page, site, "explain");
      await explain(page);
    },
  },
  ...DOCS,
  ...TROUBLE,
];
