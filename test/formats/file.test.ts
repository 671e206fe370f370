import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readFileBytes, writeFileAtomically } from "../../src/formats/file.ts";
import { refusal } from "./support.ts";

const folder = mkdtempSync(join(tmpdir(), "svi-formats-"));
const old = Uint8Array.of(1, 2, 3);
const fresh = Uint8Array.of(4, 5, 6, 7);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A folder of its own for one test. */
function place(name: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  return path;
}

describe("writeFileAtomically", () => {
  it("writes a new file, replaces it, and leaves nothing beside it", async () => {
    const at = place("new");
    const path = join(at, "model.safetensors");
    await writeFileAtomically(path, old);
    expect(await readFileBytes(path)).toEqual(old);
    await writeFileAtomically(path, [fresh, new Uint8Array(0), old]);
    expect(await readFileBytes(path)).toEqual(Uint8Array.of(4, 5, 6, 7, 1, 2, 3));
    expect(readdirSync(at)).toEqual(["model.safetensors"]);
  });

  it("writes names as long as the file system takes", async () => {
    const path = join(place("long"), "ä".repeat(127));
    await writeFileAtomically(path, fresh);
    expect(await readFileBytes(path)).toEqual(fresh);
  });

  it("lets parallel writers each write a whole file", async () => {
    const at = place("parallel");
    const path = join(at, "m");
    await Promise.all(
      Array.from({ length: 8 }, (_, i) => writeFileAtomically(path, new Uint8Array(5000).fill(i))),
    );
    const bytes = await readFileBytes(path);
    expect(bytes).toEqual(new Uint8Array(5000).fill(bytes[0]));
    expect(readdirSync(at)).toEqual(["m"]);
  });

  it("follows links and keeps permissions", async () => {
    const at = place("links");
    writeFileSync(join(at, "file"), old, { mode: 0o640 });
    symlinkSync("file", join(at, "link"));
    await writeFileAtomically(join(at, "link"), fresh);
    expect(lstatSync(join(at, "link")).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(at, "file"))).toEqual(Buffer.from(fresh));
    expect(statSync(join(at, "file")).mode & 0o777).toBe(0o640);
  });

  it("refuses folders, devices and missing folders, and says what to do", async () => {
    const at = place("refused");
    mkdirSync(join(at, "sub"));
    writeFileSync(join(at, "plain"), old);
    for (const [path, message] of [
      [join(at, "sub"), /sub is a folder\. Give the path of a file/],
      [`${join(at, "absent")}/`, /cannot be written/],
      ["", /cannot be written: ENOENT/],
      ["/dev/null", /is not a regular file/],
      [join(at, "absent", "m"), /ENOENT.*Make the folder first.*unchanged/],
      [join(at, "plain", "m"), /ENOTDIR.*Make the folder first/],
      [join(at, "nul\0"), /null bytes/],
    ] as const) {
      const error = await refusal(() => writeFileAtomically(path, fresh), "E_FILE_WRITE");
      expect(error.message).toMatch(message);
      expect(error.value).toBe(path);
    }
    expect(readdirSync(at).sort()).toEqual(["plain", "sub"]);
    expect(lstatSync("/dev/null").isCharacterDevice()).toBe(true);
  });

  it("removes the temporary file where a piece cannot be written", async () => {
    const at = place("piece");
    const path = join(at, "m");
    writeFileSync(path, old);
    await refusal(() => writeFileAtomically(path, [fresh, 5 as unknown as Uint8Array]), "E_FILE_WRITE");
    expect(readFileSync(path)).toEqual(Buffer.from(old));
    expect(readdirSync(at)).toEqual(["m"]);
  });

  it.skipIf(process.getuid?.() === 0)("replaces no write-protected file", async () => {
    const path = join(place("protected"), "m");
    writeFileSync(path, old);
    chmodSync(path, 0o444);
    const error = await refusal(() => writeFileAtomically(path, fresh), "E_FILE_WRITE");
    expect(error.message).toMatch(/EACCES.*Allow writing/);
    expect(readFileSync(path)).toEqual(Buffer.from(old));
  });
});

describe("on small and read-only disks", () => {
  const disk = join(folder, "disk");
  let mounted = false;
  beforeAll(() => {
    mkdirSync(disk);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], { stdio: "ignore" });
      mounted = true;
    } catch {}
  });
  afterAll(() => {
    if (mounted) execFileSync("umount", [disk]);
  });

  it("leaves the previous file as it was when the disk is full", async (context) => {
    if (!mounted) context.skip("mount is not permitted here");
    const path = join(disk, "m");
    await writeFileAtomically(path, old);
    const error = await refusal(() => writeFileAtomically(path, new Uint8Array(100_000)), "E_FILE_WRITE");
    expect(error.message).toMatch(/ENOSPC.*Free some space/);
    expect((error.cause as NodeJS.ErrnoException).code).toBe("ENOSPC");
    expect(readFileSync(path)).toEqual(Buffer.from(old));
    expect(readdirSync(disk)).toEqual(["m"]);
    await writeFileAtomically(path, fresh);
    expect(readFileSync(path)).toEqual(Buffer.from(fresh));
  });

  it("leaves the previous file as it was when the disk is read-only", async (context) => {
    if (!mounted) context.skip("mount is not permitted here");
    writeFileSync(join(disk, "m"), old);
    execFileSync("mount", ["-o", "remount,ro", disk]);
    const error = await refusal(() => writeFileAtomically(join(disk, "m"), fresh), "E_FILE_WRITE");
    expect(error.message).toMatch(/EROFS.*Allow writing/);
    expect(readFileSync(join(disk, "m"))).toEqual(Buffer.from(old));
  });
});

describe("readFileBytes", () => {
  it("throws the reason of a signal, also between two parts of a large file", async () => {
    const path = join(folder, "large");
    writeFileSync(path, new Uint8Array(2 ** 26));
    expect(await readFileBytes(path)).toHaveLength(2 ** 26);
    await expect(readFileBytes(path, { signal: AbortSignal.abort("before") })).rejects.toBe("before");
    const controller = new AbortController();
    const reading = readFileBytes(path, { signal: controller.signal });
    controller.abort("meanwhile");
    await expect(reading).rejects.toBe("meanwhile");
  });

  it("tells a missing file from one that cannot be read", async () => {
    const at = place("read");
    writeFileSync(join(at, "plain"), old);
    expect((await refusal(() => readFileBytes(join(at, "no")), "E_FILE_MISSING")).value).toBe(join(at, "no"));
    await refusal(() => readFileBytes(join(at, "plain", "no")), "E_FILE_MISSING");
    await refusal(() => readFileBytes(at), "E_FILE_READ");
    await refusal(() => readFileBytes("/dev/zero"), "E_FILE_READ");
    await refusal(() => readFileBytes("nul\0"), "E_FILE_READ");
  });

  it("does not wait for a pipe", async (context) => {
    const pipe = join(place("pipes"), "pipe");
    try {
      execFileSync("mkfifo", [pipe], { stdio: "ignore" });
    } catch {}
    if (!existsSync(pipe)) context.skip("there is no mkfifo here");
    await refusal(() => readFileBytes(pipe), "E_FILE_READ");
    await refusal(() => writeFileAtomically(pipe, fresh), "E_FILE_WRITE");
  });

  it("reads an empty file", async () => {
    const path = join(folder, "empty");
    await writeFileAtomically(path, new Uint8Array(0));
    expect(await readFileBytes(path)).toEqual(new Uint8Array(0));
  });
});
