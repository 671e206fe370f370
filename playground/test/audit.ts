/** @module Accessibility of what a page shows now, by axe-core, in both colour schemes. */
import assert from "node:assert/strict";
import axe from "axe-core";
import type { Page } from "puppeteer-core";

const THEMES = ["light", "dark"] as const;

/** @throws AssertionError naming every rule and element */
export async function audit(page: Page, what: string): Promise<void> {
  await page.evaluate(axe.source);
  for (const theme of THEMES) {
    const found = await page.evaluate(async (wanted) => {
      document.documentElement.dataset.theme = wanted;
      // Colours in the middle of a transition are neither.
      for (const animation of document.getAnimations()) animation.finish();
      const { axe: runner } = window as unknown as { axe: typeof import("axe-core") };
      const { violations } = await runner.run(document, { resultTypes: ["violations"] });
      return violations.map(
        ({ id, nodes }) =>
          `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join("\n  ")}`,
      );
    }, theme);
    assert.deepEqual(found, [], `${what}, ${theme}`);
  }
  // Wide pages scroll sideways on a phone.
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `${what} is ${overflow} px wider than the screen`);
}
