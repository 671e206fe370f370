/** @module How tests and pictures come to a view and to a state. */
import type { Page } from "puppeteer-core";

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

/** Trains until both have written something; on the text that is chosen where the view is open already. */
export async function train(page: Page, address: string, opening = true): Promise<void> {
  if (opening) await open(page, address, "train");
  await press(page, "#train");
  await page.waitForFunction(
    () => [...document.querySelectorAll(".written")].every((one) => !one.querySelector(".waiting")),
    { timeout: 90_000 },
  );
}
