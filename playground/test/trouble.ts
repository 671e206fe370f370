/** @module What goes wrong is told with its remedy, and nothing is lost. */
import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ElementHandle, Page } from "puppeteer-core";
import { DEFAULTS, POINTS } from "../src/training/settings.ts";
import { HASH } from "../src/views/race/result.ts";
import { audit } from "./audit.ts";
import type { Step } from "./run.ts";
import {
  choose,
  go,
  open,
  openModelFile,
  press,
  pressText,
  progressed,
  textOf,
  train,
  waitForText,
  withoutSimd,
  withoutStore,
  write,
} from "./scenes.ts";

const folder = mkdtempSync(join(tmpdir(), "playground-"));

export function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

export async function openFile(page: Page, path: string): Promise<void> {
  await choose(page, "own");
  const input = await page.$('input[type="file"]');
  await (input as ElementHandle<HTMLInputElement>).uploadFile(path);
}

export async function type(page: Page, text: string): Promise<void> {
  await choose(page, "own");
  await page.evaluate((given) => {
    const field = document.querySelector("textarea")!;
    field.value = given;
    field.dispatchEvent(new Event("input"));
  }, text);
}

/** A model's file as a later version would write it. */
export function newerModel(): string {
  const header = JSON.stringify({ __metadata__: { format: "svi-lm", formatVersion: "99" } });
  const bytes = new Uint8Array(8 + header.length);
  new DataView(bytes.buffer).setUint32(0, header.length, true);
  bytes.set(new TextEncoder().encode(header), 8);
  return file("newer.safetensors", bytes);
}

/** A link to a result of the benchmark. */
export const resultLink = (fields: readonly unknown[]): string =>
  `race?result=${Buffer.from(JSON.stringify(fields)).toString("base64url")}`;

/** Lets a test end the page's workers, as a browser that runs out of memory does. */
export const keepWorkers = (page: Page) =>
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

export const loseWorkers = (page: Page) =>
  page.evaluate(() => {
    for (const worker of (window as unknown as { made: Worker[] }).made) worker.terminate();
  });

/** Settings with which no browser has the memory. */
export async function set(page: Page, settings: Readonly<Record<string, number>>): Promise<void> {
  await page.evaluate((chosen) => {
    for (const label of document.querySelectorAll<HTMLLabelElement>(".setting label")) {
      const value = chosen[label.textContent ?? ""];
      const field = document.getElementById(label.htmlFor) as HTMLInputElement;
      if (value === undefined) continue;
      field.value = String(value);
      field.dispatchEvent(new Event("change"));
    }
  }, settings);
}

export const HUGE = { Units: 1024, Layers: 4, Lanes: 256, Timesteps: 512 };

/** Presses Train with settings that no memory is enough for. */
export async function trainTooLarge(page: Page): Promise<void> {
  await choose(page, "moby-long");
  await set(page, HUGE);
  await press(page, "#train");
  await waitForText(page, "Take fewer units, layers or lanes in the settings", 90_000);
}

/** Looks at another tab, until the run has come further, and back. */
export async function lookAway(page: Page, further: number): Promise<void> {
  const other = await page.browserContext().newPage();
  await other.bringToFront();
  await page.waitForFunction(() => document.hidden, { polling: 200 });
  await page.waitForFunction(
    (part) => document.querySelector("progress")!.value > part,
    { polling: 500, timeout: 100_000 },
    further,
  );
  await page.waitForFunction(() => /^\d+ % · Train/.test(document.title), { polling: 200 });
  await page.bringToFront();
  await other.close();
  await page.waitForFunction(() => !document.hidden, { polling: 200 });
}

export const trouble: readonly Step[] = [
  [
    "a run continues in a background tab, which says how far it is, and its curve is whole afterwards",
    async ({ page, site }) => {
      await train(page, site.address);
      const before = await page.$eval("progress", ({ value }) => value);
      await lookAway(page, before + 0.06);
      await waitForText(page, "It continued while this tab was in the background: from");
      assert.match(await page.title(), /^Train/);
      // Sixty points a run, in a curve that begins at its beginning.
      const [points, epoch] = await page.$eval(".chart", (chart) =>
        chart.getAttribute("data-points")!.split(",")[0].split(" to ").map(Number),
      );
      assert.ok(points >= Math.floor((epoch / DEFAULTS.epochs) * POINTS) - 1, `${points} points to ${epoch}`);
      await audit(page, "Train, looked at again");
    },
  ],
  [
    "a model that no memory is enough for is told of plainly, and nothing is lost",
    async ({ page, site }) => {
      await train(page, site.address);
      await pressText(page, "Stop");
      await waitForText(page, "Write with it");
      const said = await page.$eval(".chart", (chart) => chart.getAttribute("aria-label"));
      await trainTooLarge(page);
      await waitForText(page, "Nothing is lost: Moby Dick is still the model in use.");
      await audit(page, "Train, out of memory");
      await pressText(page, "Show the run before");
      await page.waitForSelector(".chart[data-points]");
      assert.equal(await page.$eval(".chart", (chart) => chart.getAttribute("aria-label")), said);
      await go(page, "write");
      await write(page);
    },
  ],
  [
    "a lost worker continues from its last checkpoint",
    async ({ page, site }) => {
      await keepWorkers(page);
      await train(page, site.address);
      await progressed(page, 0.03);
      await page.evaluate(() => {
        (window as unknown as { made: Worker[] }).made[0].terminate();
      });
      await waitForText(page, "Interrupted");
      await audit(page, "Train, worker lost");
      await pressText(page, "Continue from the last checkpoint");
      await page.waitForFunction(() => document.querySelector(".stage strong")!.textContent === "Training");
      await progressed(page, 0.04);
      assert.doesNotMatch(await textOf(page, ".stage"), /Interrupted/);
    },
  ],
  [
    "a worker that is lost while nothing trains is started again, with the same model and what was typed",
    async ({ page, site }) => {
      await keepWorkers(page);
      await train(page, site.address);
      await pressText(page, "Stop");
      await waitForText(page, "Write with it");
      await go(page, "write");
      await page.type("textarea", "sea ");
      await write(page);
      const before = await textOf(page, ".shaded");
      await loseWorkers(page);
      await press(page, "#write");
      await waitForText(page, "Start it again: what was saved last is kept");
      await audit(page, "Write, worker lost");
      await pressText(page, "Start it again");
      await page.waitForSelector("#main .notice.problem", { hidden: true });
      assert.equal(await page.$eval("textarea", ({ value }) => value), "The sea ");
      await write(page);
      assert.equal(await textOf(page, ".shaded"), before);
    },
  ],
  [
    "a model that is opened while another is trained takes nothing from it",
    async ({ page, site }) => {
      await train(page, site.address);
      await pressText(page, "Stop");
      await waitForText(page, "Write with it");
      await go(page, "keep");
      await press(page, "#keep");
      await page.waitForSelector(".model");
      await go(page, "train");
      await choose(page, "names");
      await train(page, site.address, false);
      await go(page, "keep");
      await page.waitForSelector(".model");
      await page.waitForFunction(() =>
        document.querySelector(".model-line")!.textContent!.includes("First names"),
      );
      await pressText(page, "Use");
      await page.waitForFunction(() => document.querySelector(".model-line")!.textContent!.includes("Moby"));
      await go(page, "train");
      await pressText(page, "Stop");
      await waitForText(page, "Stopped early");
      await page.$$eval(".next a", (links) => (links[0] as HTMLElement).click());
      await page.waitForSelector('#main[data-shown="write"] .model-line');
      assert.match(await textOf(page, ".model-line"), /First names/);
      await write(page);
    },
  ],
  [
    "files that are not models are refused, and a browser that keeps nothing says so",
    async ({ page, site }) => {
      await withoutStore(page);
      await open(page, site.address, "keep");
      await waitForText(page, "This browser keeps nothing for this page");
      await audit(page, "Keep, without a store");
      await openModelFile(page, file("other.safetensors", "not a model at all"));
      await waitForText(page, "Open a file that was saved here, or by svi-lm");
      await openModelFile(page, newerModel());
      await waitForText(page, "Train it again, or open it with the version of svi-lm that wrote it");
      await waitForText(page, "No model is in use");
    },
  ],
  [
    "an engine without SIMD is told what to do",
    async ({ page, site }) => {
      await withoutSimd(page);
      await open(page, site.address, "train");
      await waitForText(page, "This browser has no WebAssembly SIMD");
      await audit(page, "No SIMD");
      await press(page, "#train");
      await page.waitForSelector(".stage .notice");
    },
  ],
];

/** What a visitor brings that is refused. */
export const refusals: readonly Step[] = [
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
      await pressText(page, "Empty the field");
      assert.equal(await page.$eval("textarea", ({ value, readOnly }) => value + readOnly), "false");
      await type(page, "too short");
      await press(page, "#train");
      await waitForText(page, "The text has 9 characters");
      await type(page, "a".repeat(5000));
      await press(page, "#train");
      await waitForText(page, "The text repeats one symbol");
    },
  ],
  [
    "a link with a forged or a cut result is refused",
    async ({ page, site }) => {
      const [link, hash] = [resultLink, HASH];
      for (const [told, view] of [
        ["its hash is not that of the benchmark's work", link(["x", 59, 54, 9000, 51, 9, "0".repeat(64)])],
        ["so much work cannot be done in the time", link(["x", 59, 54, 9000, 51, 0.1, hash])],
        ["training is 99999999", link(["x", 59, 54, 99_999_999, 51, 9, hash])],
        ["The link does not hold a result", "race?result=WyJ4"],
      ]) {
        await page.goto("about:blank");
        await open(page, site.address, view);
        await waitForText(page, told);
      }
      await audit(page, "Race, forged");
      await page.goto("about:blank");
      await open(page, site.address, link(["Other", 59, 54, 9000, 51, 9, hash]));
      await waitForText(page, "Other (from the link)");
    },
  ],
];
