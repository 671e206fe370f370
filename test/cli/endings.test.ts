/** Whatever ends a run: what was learnt is in `--out`, or it is said where, and the exit code tells why. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { commandLine, objects, TINY, text } from "./support.ts";

const cli = commandLine("endings");
const book = cli.write("book.txt", text(3000));
const LONG = ["--epochs", "50", "--json", ...TINY];
/** A rate that rises until the run diverges, after it has learnt something. */
const RISING = ["--lr", "1e6", "--schedule", "constant", "--warmup", "1000000"];

async function infoOf(path: string) {
  return objects((await cli.run("info", path, "--json")).out)[0];
}

describe("a run that fails", () => {
  it("at a checkpoint that cannot be written any more leaves the model in --out and exits 1", async () => {
    const [out, folder] = [cli.file("full.svi"), cli.file("vanishing")];
    const keeping = ["--checkpoint", folder, "--checkpoint-every", "400"];
    const running = cli.start(["train", book, "--out", out, ...keeping, ...LONG]);
    await running.lines(20);
    rmSync(folder, { recursive: true });
    const { code, out: lines } = await running.end;
    expect(code).toBe(1);
    const [saved, error] = objects(lines).slice(-2);
    expect(saved).toMatchObject({ event: "saved", step: 399, out, checkpoint: null });
    expect(error).toMatchObject({ event: "error", code: "E_FILE_WRITE" });
    expect(error.message).toMatch(/checkpoint\.svi.*the last good weights were saved to .*full\.svi\.$/);
    expect(await infoOf(out)).toMatchObject({ hash: saved.hash, posterior: true });
  });

  it("because it diverges late leaves the last weights that predicted better than guessing", async () => {
    const out = cli.file("diverged.svi");
    const { code, out: lines } = await cli.run("train", book, "--out", out, ...RISING, ...LONG);
    expect(code).toBe(1);
    const [saved, error] = objects(lines).slice(-2);
    expect(saved).toMatchObject({ event: "saved", out });
    expect(error.code).toBe("E_DIVERGED");
    expect((await infoOf(out)).hash).toBe(saved.hash);
    const [{ nll }] = objects((await cli.run("eval", out, book, "--json")).out);
    expect(nll).toBeLessThan(Math.log(256));
  });

  it("because it diverges early leaves an older model alone", async () => {
    const out = cli.write("older.svi", "an older model");
    const run = ["train", book, "--out", out, "--lr", "1e6", ...LONG];
    const { code, out: lines } = await cli.run(...run);
    expect(code).toBe(1);
    expect(objects(lines).at(-1).message).toContain("nothing was written");
    expect(readFileSync(out, "utf8")).toBe("an older model");
  });

  it("to write --out in the end leaves the model elsewhere, and says where", async () => {
    const folder = cli.file("gone");
    mkdirSync(folder);
    const running = cli.start([
      "train",
      book,
      "--out",
      `${folder}/m.svi`,
      "--epochs",
      "4",
      "--json",
      ...TINY,
    ]);
    await running.lines(3);
    rmSync(folder, { recursive: true });
    const { code, out } = await running.end;
    expect(code).toBe(1);
    const { message } = objects(out).at(-1);
    const [path] = /(?<=the model is in )\S+m\.svi(?=\.$)/.exec(message)!;
    expect(await infoOf(path)).toMatchObject({ posterior: true });
    rmSync(dirname(path), { recursive: true });
  });

  it.each([
    ["in the end", ["--epochs", "2"], false],
    ["after Ctrl-C", ["--epochs", "50"], true],
  ])("to write the model anywhere, %s, says where the last checkpoint is", async (name, epochs, stop) => {
    const [folder, run] = [cli.file(`no-place-${stop}`), cli.file(`run-${stop}`)];
    mkdirSync(folder);
    vi.stubEnv("TMPDIR", cli.file("nowhere"));
    const keeping = ["--checkpoint", run, "--checkpoint-every", "100", "--json", ...TINY, ...epochs];
    const running = cli.start(["train", book, "--out", `${folder}/m.svi`, ...keeping]);
    vi.unstubAllEnvs();
    await running.lines(12);
    rmSync(folder, { recursive: true });
    if (stop) running.child.kill("SIGINT");
    const { code, out } = await running.end;
    expect(code, name).toBe(1);
    const { code: error, message } = objects(out).at(-1);
    expect(error).toBe("E_FILE_WRITE");
    expect(message).toMatch(/m\.svi cannot be written.*; the last checkpoint is \S+checkpoint\.svi\.$/);
    expect(await infoOf(`${run}/checkpoint.svi`)).toMatchObject({ posterior: true });
  });

  it("by predicting worse than guessing says so, keeps the model and exits 1", async () => {
    const out = cli.file("worse.svi");
    const worse = ["--method", "adam", "--lr", "30", "--schedule", "constant", "--epochs", "0.5"];
    const { code, out: lines } = await cli.run("train", book, "--out", out, "--json", ...TINY, ...worse);
    expect(code).toBe(1);
    const [saved, error] = objects(lines).slice(-2);
    expect(saved).toMatchObject({ event: "saved", out });
    expect(error).toMatchObject({ event: "error", code: "E_DIVERGED" });
    expect(error.message).toMatch(/ended at [\d.]+ nats a token, worse than guessing \(5\.545\)/);
    const { err } = await cli.run("train", book, "--out", out, ...TINY, ...worse);
    expect(err.match(/worse than guessing/g)).toHaveLength(1);
  });
});

describe("exit codes of a run that is stopped", () => {
  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)("%s: %d, and the model is saved", async (signal, expected) => {
    const out = cli.file(`${signal}.svi`);
    const running = cli.start(["train", book, "--out", out, ...LONG]);
    await running.lines(20);
    running.child.kill(signal);
    const { code, out: lines } = await running.end;
    expect(code).toBe(expected);
    expect(objects(lines).at(-1)).toMatchObject({
      event: "interrupted",
      out,
      hash: (await infoOf(out)).hash,
    });
  });
});

describe("what would fail in the end is told before the first step", () => {
  it.each<[string, string, string[], string]>([
    ["a validation text of one token", "E_TEXT_SHORT", ["--valid", cli.write("one.txt", "x")], "--valid"],
    ["a checkpoint folder below a file", "E_FILE_WRITE", ["--checkpoint", `${book}/c`], "--checkpoint"],
    [
      "--resume without a checkpoint",
      "E_FILE_MISSING",
      ["--checkpoint", cli.file("no"), "--resume"],
      "--resume",
    ],
    ["a least count of 0", "E_OPTION", ["--tokenizer", "word", "--min-count", "0"], "--min-count is 0"],
    [
      "a vocabulary of 2 words",
      "E_OPTION",
      ["--tokenizer", "word", "--max-vocabulary", "2"],
      "--max-vocabulary is 2",
    ],
    ["a batch of none", "E_OPTION", ["--batch", "0"], "--batch is 0"],
    ["no epochs", "E_OPTION", ["--epochs", "0"], "--epochs is 0"],
    ["a dropout of everything", "E_OPTION", ["--dropout", "1"], "--dropout is 1"],
    ["a learning rate of 0", "E_OPTION", ["--lr", "0"], "--lr is 0"],
    ["a prior of no width", "E_OPTION", ["--prior-scale", "0"], "--prior-scale is 0"],
    ["no particles", "E_OPTION", ["--particles", "0"], "--particles is 0"],
    ["a warm-up below 0", "E_OPTION", ["--warmup", "-1"], "--warmup is -1"],
    ["a noise ramp above 1", "E_OPTION", ["--kl-warmup", "2"], "--kl-warmup is 2"],
    [
      "checkpoints at every half step",
      "E_OPTION",
      ["--checkpoint", cli.file("c"), "--checkpoint-every", "0.5"],
      "--checkpoint-every is 0.5",
    ],
    ["a seed below 0", "E_OPTION", ["--seed", "-1"], "--seed is -1"],
  ])("%s", async (_, code, options, part) => {
    const out = cli.file("never.svi");
    const result = await cli.run("train", book, "--out", out, "--json", ...TINY, ...options);
    expect(result.code).toBe(code === "E_OPTION" ? 2 : 1);
    const events = objects(result.out);
    expect(events).toEqual([{ event: "error", code, message: expect.stringContaining(part) }]);
    expect(existsSync(out)).toBe(false);
    expect(readdirSync(cli.file(".")).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});

describe("a run over shards", () => {
  const shards = [...TINY, "--batch", "2", "--workers", "2", "--shards", "2", "--epochs", "0.5"];

  it("that diverges says that nothing was written, as is true", async () => {
    const [book, out] = [cli.write("shards.txt", text(400)), cli.file("diverged-shards.svi")];
    const { code, err } = await cli.run("train", book, "--out", out, ...shards, "--lr", "1000");
    expect(code).toBe(1);
    expect(err).toMatch(/E_DIVERGED: .*smaller --lr; nothing was written to .*diverged-shards\.svi/);
    expect(existsSync(out)).toBe(false);
  });

  it("that ends worse than guessing says so, keeps the model and exits 1", async () => {
    const [book, out] = [cli.write("worse-shards.txt", text(400)), cli.file("worse-shards.svi")];
    const args = [
      "train",
      book,
      "--out",
      out,
      ...shards,
      "--epochs",
      "0.05",
      "--batch",
      "8",
      "--lr",
      "100",
      "--clip",
      "1",
    ];
    const told = await cli.run(...args);
    expect(told.code).toBe(1);
    expect(told.err).toMatch(/worse than guessing \(5\.545\)\. .*the model was saved to .*worse-shards\.svi/);
    expect(told.out).toBe("");
    expect(existsSync(out)).toBe(true);
    const [saved, error] = objects((await cli.run(...args, "--json")).out).slice(-2);
    expect(saved).toMatchObject({ event: "saved", out });
    expect(error).toMatchObject({ event: "error", code: "E_DIVERGED" });
  });

  it("that fails after a round keeps what was merged before it", async () => {
    const [book, out] = [cli.write("rewritten.txt", text(4000)), cli.file("merged-shards.svi")];
    const running = cli.start(["train", book, "--out", out, "--json", ...shards, "--epochs", "50"]);
    await running.lines(12);
    cli.write("rewritten.txt", text(4000, 9));
    const { code, out: told } = await running.end;
    expect(code).toBe(1);
    const events = objects(told);
    expect(events.filter(({ event }) => event === "round").length).toBeGreaterThan(0);
    expect(events.at(-1)).toMatchObject({ event: "error", code: "E_TEXT_CHANGED" });
    expect(events.at(-1).message).toContain(`what was merged before it was saved as ${out}`);
    expect(existsSync(out)).toBe(true);
  });
});
