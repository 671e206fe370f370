/** @module Every example of the documentation that can run in a page runs there, and prints what its page says. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Page } from "puppeteer-core";
import { matches } from "../src/views/docs/examples/matches.ts";
import { audit } from "./audit.ts";
import type { Step } from "./run.ts";
import { open, pressText, waitForText } from "./scenes.ts";

interface Listed {
  readonly path: string;
  readonly examples: number;
}

interface Ran {
  readonly state: string | undefined;
  readonly printed: string;
  /** What the page says below the example, or null where it says nothing. */
  readonly stated: string | null;
  readonly said: string;
}

const pages: readonly Listed[] = JSON.parse(readFileSync("build/playground/docs/pages.json", "utf8"));
const withExamples = pages.filter(({ examples }) => examples > 0);
/** An example may train a model for a minute. */
const PATIENCE = 110_000;

async function outcomes(page: Page): Promise<Ran[]> {
  return page.$$eval(".example", (elements) =>
    elements.map((element) => {
      const next = element.nextElementSibling;
      return {
        state: (element as HTMLElement).dataset.state,
        printed: element.querySelector("[data-printed]")?.textContent ?? "",
        stated: next?.matches('pre[data-language="text"]') ? next.textContent : null,
        said: element.querySelector(".output")?.textContent ?? "",
      };
    }),
  );
}

/** Presses Run at the last example of each program: those above it run first. */
async function runAll(page: Page): Promise<void> {
  const lasts = await page.$$eval(".example", (elements) =>
    (elements as HTMLElement[])
      .map(({ dataset }) => dataset.program)
      .flatMap((program, i, all) => (all[i + 1] === program ? [] : [i])),
  );
  for (const i of lasts) {
    await page.$$eval(".example .run", (buttons, at) => (buttons[at] as HTMLButtonElement).click(), i);
    await page.waitForFunction(
      (at) => /ended|failed/.test((document.querySelectorAll(".example")[at] as HTMLElement).dataset.state!),
      { timeout: PATIENCE, polling: 200 },
      i,
    );
  }
}

export const examples: readonly Step[] = [
  [
    "the site has the reference, and its examples run",
    async () => {
      const reference = withExamples.filter(({ path }) => path.startsWith("reference/"));
      const count = reference.reduce((sum, page) => sum + page.examples, 0);
      assert.ok(count > 10, `The reference has ${count} examples: npm run docs`);
    },
  ],
  ...withExamples.map(
    ({ path, examples: count }): Step => [
      `the examples of ${path} run, and print what it says`,
      async ({ page, site }) => {
        await open(page, site.address, `docs/${path}`);
        await page.waitForSelector(".example .run");
        await runAll(page);
        const ran = await outcomes(page);
        assert.equal(ran.length, count);
        for (const { state, printed, stated, said } of ran) {
          assert.equal(state, "ended", said);
          if (stated !== null)
            assert.ok(
              matches(stated.trimEnd(), printed.trimEnd()),
              `printed:\n${printed}\nstated:\n${stated}`,
            );
        }
      },
    ],
  ),
  [
    "an example is stopped, and one that no page can run says why",
    async ({ page, site }) => {
      await open(page, site.address, "docs/guide/train");
      await page.waitForSelector(".example .run");
      await page.$$eval(".example .run", (buttons) => (buttons[1] as HTMLButtonElement).click());
      await waitForText(page, "200000 tokens, 79 different ones");
      await audit(page, "Docs, an example runs");
      await pressText(page, "Stop");
      await waitForText(page, "Stopped.");
      for (const [where, why] of [
        ["edge", "it needs a host for edge functions"],
        ["threads", "threads need a page that is cross-origin isolated"],
      ]) {
        await open(page, site.address, `docs/guide/${where}`);
        await waitForText(page, `Not run here: ${why}`);
      }
    },
  ],
];
