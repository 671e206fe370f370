// Loaded into a process before svi-lm, to make something go wrong in it. FAULT is JSON: { kind, after }.
//   stop      kill -9 after so many bytes have been written to files
//   rename    kill -9 before the rename of that number (from 0); renamed: after it
//   full      no space left after so many bytes, on paths with "only" in them or on all
//   thread    a thread ends so many milliseconds (wait) after so many lines on stdout
//   clock     clocks jump by hours, forwards and backwards, at every so many readings
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import threads from "node:worker_threads";

const { kind, after, wait, only } = JSON.parse(process.env.FAULT ?? "{}");
const die = () => process.kill(process.pid, "SIGKILL");
const { open, rename } = fs.promises;

const room = () => Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });

if (kind === "stop" || kind === "full") {
  // What others have filled a disk with stays; what this process removes from it is free again.
  let free = after;
  const sizes = new Map();
  const { rm } = fs.promises;
  fs.promises.open = async (path, flags, ...rest) => {
    const file = await open(path, flags, ...rest);
    if (flags !== "wx" || (only && !path.includes(only))) return file;
    const write = file.writeFile.bind(file);
    sizes.set(path, 0);
    file.writeFile = async (bytes) => {
      const fits = bytes.subarray(0, Math.max(0, free));
      free -= fits.length;
      sizes.set(path, sizes.get(path) + fits.length);
      await write(fits);
      if (fits.length === bytes.length) return;
      if (kind === "stop") {
        die();
        await new Promise(() => {});
      }
      // From now on the disk is full but for what is removed.
      throw room();
    };
    return file;
  };
  fs.promises.rm = async (path, ...rest) => {
    if (kind === "full" && free <= 0) free += sizes.get(path) ?? 0;
    sizes.delete(path);
    await rm(path, ...rest);
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
  let lines = 0;
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = (...given) => {
    if (lines++ === after) setTimeout(() => void made.at(-1)?.terminate(), wait).unref();
    return write(...given);
  };
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
