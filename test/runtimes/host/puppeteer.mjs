// Opens the page in Chromium, or in Firefox by WebDriver BiDi.   node puppeteer.mjs chrome|firefox EXECUTABLE FOLDER
import puppeteer from "puppeteer-core";
import { answer } from "./answer.mjs";
import { reportOfPage } from "./page.mjs";

const [browserName, executablePath, folder] = process.argv.slice(2);
const root = process.getuid?.() === 0;
const browser = await puppeteer.launch({
  browser: browserName,
  executablePath,
  // Chromium's sandbox refuses to run as root.
  args: browserName === "chrome" && root ? ["--no-sandbox"] : [],
});
try {
  const report = await reportOfPage(folder, async (address) => {
    const page = await browser.newPage();
    await page.goto(address);
  });
  answer((await browser.version()).replace(/^\D+/, ""), report);
} finally {
  await browser.close();
}
