/** @module What a first visit transfers, and that the site then works without its server. */
import assert from "node:assert/strict";
import type { Step } from "./run.ts";
import { open, press, train, waitForText } from "./scenes.ts";

const MOST = 150_000;

/** Resolves once nothing was sent for a while: the service worker has what it keeps. */
async function settled(sent: Map<string, number>): Promise<void> {
  for (let before = -1; before !== sent.size; ) {
    before = sent.size;
    await new Promise((resolve) => setTimeout(resolve, 1500));
  }
}

export const firstVisit: readonly Step[] = [
  [
    "a first visit transfers at most 150 kB, what is kept for offline use included",
    async ({ page, site }) => {
      site.sent.clear();
      await open(page, site.address, "train");
      await page.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
      await settled(site.sent);
      const total = [...site.sent.values()].reduce((sum, length) => sum + length, 0);
      console.log(`first visit: ${(total / 1000).toFixed(1)} kB in ${site.sent.size} files`);
      assert.ok(
        [...site.sent.keys()].some((name) => name.includes("thread-")),
        "the worker is among it",
      );
      assert.ok(total <= MOST, `${total} bytes:\n${[...site.sent].map((one) => one.join(" ")).join("\n")}`);
    },
  ],
  [
    "after a visit that trained, everything opens and trains without the server",
    async ({ page, site }) => {
      await open(page, site.address, "train");
      await page.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
      await page.reload();
      await train(page, site.address);
      await settled(site.sent);
      await site.stop();
      try {
        await page.reload();
        await train(page, site.address);
        for (const view of ["write", "score"]) await open(page, site.address, view);
        await press(page, "#score");
        await waitForText(page, "Surprised it most");
      } finally {
        await site.start();
      }
    },
  ],
];
