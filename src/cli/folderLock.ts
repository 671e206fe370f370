/**
 * @module One run a folder: a lock that the system lets go of with the process, however that ends.
 *
 * A listening socket is the lock. Linux has names for sockets that are not files, Windows has pipes, and both are gone
 * with the process. Elsewhere the socket is a file: one that nobody answers at is what a crash has left.
 */
import { createHash } from "node:crypto";
import { rm, stat } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SviError } from "../errors.ts";

export interface FolderLock {
  release(): Promise<void>;
}

/**
 * Of a folder that exists, by whatever path; held until it is released or the process ends. Processes in other
 * containers and on other machines are not seen.
 *
 * @throws SviError `E_BUSY` where another process holds it
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const { dev, ino } = await stat(folder, { bigint: true });
  const address = addressOf(createHash("sha256").update(`${dev} ${ino}`).digest("hex").slice(0, 32));
  const server = (await listen(address)) ?? ((await isStale(address)) ? await listen(address) : null);
  if (!server)
    throw new SviError("E_BUSY", `Another process is running in ${folder}`, {
      value: folder,
      remedy: "Wait until it has ended, stop it, or choose another folder",
    });
  return { release: () => new Promise((resolve) => server.close(() => resolve())) };
}

function addressOf(name: string): string {
  if (process.platform === "linux") return `\0svi-lm-${name}`;
  if (process.platform === "win32") return `\\\\.\\pipe\\svi-lm-${name}`;
  return join(tmpdir(), `svi-lm-${name}.sock`);
}

/** null where the address is taken. */
function listen(address: string): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(null) : reject(error),
    );
    server.listen(address, () => resolve(server));
    // The lock does not keep the process from ending.
    server.unref();
  });
}

/** Removes a socket's file that nobody answers at. */
async function isStale(address: string): Promise<boolean> {
  if (process.platform === "linux" || process.platform === "win32") return false;
  const answered = await new Promise<boolean>((resolve) => {
    const socket = connect(address, () => resolve(true));
    socket.on("error", ({ code }: NodeJS.ErrnoException) =>
      resolve(code !== "ECONNREFUSED" && code !== "ENOENT"),
    );
    socket.on("connect", () => socket.destroy());
  });
  if (!answered) await rm(address, { force: true });
  return !answered;
}
