// Loaded into a process before svi-lm, to make something go wrong in it. FAULT is JSON: { kind, after }.
//   stop      kill -9 after so many bytes have been written to files
//   rename    kill -9 before the rename of that number (from 0); renamed: after it
//   full      no space left after so many bytes
//   thread    a thread ends after so many milliseconds
//   clock     clocks jump by hours, forwards and backwards, at every so many readings
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import threads from "node:worker_threads";

const { kind, after } = JSON.parse(process.env.FAULT ?? "{}");
const die = () => process.kill(process.pid, "SIGKILL");
const { open, rename } = fs.promises;

if (kind === "stop" || kind === "full") {
  let written = 0;
  fs.promises.open = async (path, flags, ...rest) => {
    const file = await open(path, flags, ...rest);
    if (flags !== "wx") return file;
    const write = file.writeFile.bind(file);
    file.writeFile = async (bytes) => {
      const room = after - written;
      written += bytes.length;
      if (bytes.length <= room) return write(bytes);
      await write(bytes.subarray(0, Math.max(0, room)));
      if (kind === "stop") {
        die();
        await new Promise(() => {});
      }
      throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    };
    return file;
  };
}

if (kind === "rename" || kind === "renamed") {
  let count = 0;
  fs.promises.rename = async (...paths) => {
    const hit = count++ === after;
    if (hit && kind === "rename") die();
    await rename(...paths);
    if (hit) die();
  };
}

if (kind === "thread") {
  const made = [];
  threads.Worker = class extends threads.Worker {
    constructor(...given) {
      super(...given);
      made.push(this);
    }
  };
  setTimeout(() => void made.at(-1)?.terminate(), after).unref();
}

if (kind === "clock") {
  let readings = 0;
  const jump = () => (Math.floor(readings++ / after) % 2 === 0 ? 36e5 : -36e5);
  for (const clock of [Date, performance]) {
    const now = clock.now.bind(clock);
    clock.now = () => now() + jump();
  }
}

syncBuiltinESMExports();
