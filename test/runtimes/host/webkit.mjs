// Opens the page in WebKitGTK's MiniBrowser, on a virtual display.   node webkit.mjs WEBKITWEBDRIVER XVFB FOLDER
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { Builder, Capabilities } from "selenium-webdriver";
import { answer } from "./answer.mjs";
import { reportOfPage } from "./page.mjs";

const [driverPath, displayPath, folder] = process.argv.slice(2);
const children = [];
const stop = () => {
  for (const child of children.splice(0)) child.kill();
};
process.on("SIGTERM", () => {
  stop();
  process.exit(1);
});

function start(command, args, options) {
  const child = spawn(command, args, options);
  child.on("error", (error) => {
    throw error;
  });
  children.push(child);
  return child;
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Number of the display that Xvfb opened, which it says when it is ready. */
async function startDisplay() {
  const args = ["-displayfd", "1", "-screen", "0", "800x600x24", "-nolisten", "tcp"];
  const display = start(displayPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [number] = await once(display.stdout, "data");
  return `:${String(number).trim()}`;
}

async function startDriver(display) {
  const port = await freePort();
  const env = { ...process.env, DISPLAY: display, GDK_BACKEND: "x11", NO_AT_BRIDGE: "1" };
  // WebKit's sandbox refuses to run as root.
  if (process.getuid?.() === 0) env.WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS = "1";
  start(driverPath, [`--port=${port}`], { env, stdio: ["ignore", 2, 2] });
  const address = `http://127.0.0.1:${port}`;
  for (;;) {
    const ready = await fetch(`${address}/status`).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) return address;
    await wait(50);
  }
}

try {
  const server = await startDriver(await startDisplay());
  const capabilities = new Capabilities({ browserName: "MiniBrowser" });
  const driver = await new Builder().usingServer(server).withCapabilities(capabilities).build();
  try {
    const report = await reportOfPage(folder, (address) => driver.get(address));
    answer((await driver.getCapabilities()).getBrowserVersion(), report);
  } finally {
    await driver.quit();
  }
} finally {
  stop();
}
