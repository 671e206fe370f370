/** Runs that are stopped: what they leave, and that they come to the same end when they continue. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { commandLine, objects, TINY, text } from "./support.ts";

const cli = commandLine("interrupted");
const book = cli.write("book.txt", text(1500));
const valid = cli.write("valid.txt", text(60, 7));
const RUN = ["--valid", valid, "--tokenizer", "char", "--epochs", "4", "--json", ...TINY];
let hash: string;

function trainInto(name: string, ...more: string[]): string[] {
  return ["train", book, "--out", cli.file(`${name}.svi`), ...RUN, ...more];
}

beforeAll(async () => {
  const { out } = await cli.run(...trainInto("whole"));
  hash = objects(out).at(-1).hash;
});

describe("kill -9", () => {
  it("in the middle of a run: --resume comes to the same model", async () => {
    const keeping = ["--checkpoint", cli.file("killed"), "--checkpoint-every", "30"];
    const running = cli.start(trainInto("killed", ...keeping));
    await running.lines(300);
    running.child.kill("SIGKILL");
    expect((await running.end).signal).toBe("SIGKILL");
    expect(existsSync(cli.file("killed.svi"))).toBe(false);
    const [info] = objects((await cli.run("info", cli.file("killed/checkpoint.svi"), "--json")).out);
    expect(info.training.step % 30).toBe(0);
    expect(info.training).toMatchObject({ steps: expect.any(Number), batch: 4, sequence: 8, seed: 1 });

    const { code, out } = await cli.run(...trainInto("killed", ...keeping, "--resume"));
    const events = objects(out);
    expect(code).toBe(0);
    expect(events[0].step).toBe(info.training.step + 1);
    expect(events.at(-1).hash).toBe(hash);

    const again = objects((await cli.run(...trainInto("killed", ...keeping, "--resume"))).out);
    expect(again).toHaveLength(1);
    expect(again[0]).toMatchObject({ event: "done", hash, valid: events.at(-1).valid });
  });
});

describe("Ctrl-C", () => {
  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("by %s saves the model as it is and exits %d", async (signal, exitCode) => {
    const name = signal.toLowerCase();
    const running = cli.start(trainInto(name, "--checkpoint", cli.file(name)));
    await running.lines(100);
    running.child.kill(signal);
    const { code, out } = await running.end;
    expect(code).toBe(exitCode);
    const last = objects(out).at(-1);
    const checkpoint = cli.file(`${name}/checkpoint.svi`);
    expect(last).toMatchObject({ event: "interrupted", out: cli.file(`${name}.svi`), checkpoint });
    const [model, kept] = await Promise.all(
      [last.out, checkpoint].map(async (path) => objects((await cli.run("info", path, "--json")).out)[0]),
    );
    expect(model.hash).toBe(last.hash);
    expect(kept).toMatchObject({ hash: last.hash, training: { step: last.step } });
    const resumed = objects(
      (await cli.run(...trainInto(name, "--checkpoint", cli.file(name), "--resume"))).out,
    );
    expect(resumed.at(-1).hash).toBe(hash);
  });

  it("saves without a checkpoint as well, and says what in plain words", async () => {
    const args = trainInto("plain", "--epochs", "200").filter((arg) => arg !== "--json");
    const running = cli.start(args);
    await new Promise<void>((resolve) => {
      running.child.stderr!.on("data", (text) => String(text).includes("step ") && resolve());
    });
    running.child.kill("SIGINT");
    const { code, err } = await running.end;
    expect(code).toBe(130);
    expect(err).toMatch(/Interrupted after step \d+ of \d+; the model as it is was saved to .*plain\.svi\n$/);
    expect((await cli.run("eval", cli.file("plain.svi"), valid)).code).toBe(0);
  });
});

describe.concurrent("--resume refuses", () => {
  async function refusal(name: string, bytes: Uint8Array, ...more: string[]) {
    mkdirSync(cli.file(name), { recursive: true });
    const path = cli.file(`${name}/checkpoint.svi`);
    writeFileSync(path, bytes);
    const { code, out } = await cli.run(
      ...trainInto(name, "--checkpoint", cli.file(name), "--resume", ...more),
    );
    expect(code).toBe(1);
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(readdirSync(cli.file(name))).toEqual(["checkpoint.svi"]);
    expect(existsSync(cli.file(`${name}.svi`))).toBe(false);
    return objects(out)[0];
  }
  const good = () => readFileSync(cli.file("killed/checkpoint.svi"));

  it("a truncated checkpoint, and leaves it as it is", async () => {
    expect(await refusal("truncated", good().subarray(0, 9000))).toMatchObject({
      event: "error",
      code: "E_FORMAT",
    });
  });

  it("a checkpoint of zeros", async () => {
    expect(await refusal("zeros", new Uint8Array(5000))).toMatchObject({ code: "E_FORMAT" });
  });

  it("a model that is not a checkpoint", async () => {
    expect(await refusal("model", readFileSync(cli.file("whole.svi")))).toMatchObject({
      code: "E_CHECKPOINT",
    });
  });

  it.each([
    ["seed", "2", "--seed 1, this one has 2"],
    ["lr", "3", "--lr none, this one has 3"],
    ["method", "adam", '--method "ivon", this one has "adam"'],
    ["dropout", "0.5", "--dropout 0, this one has 0.5"],
    ["prior-scale", "2", "--prior-scale 0.3, this one has 2"],
    ["batch", "8", "--batch 4, this one has 8"],
    ["hidden", "24", "--hidden 16, this one has 24"],
    ["cell", "gru", '--cell "lstm", this one has "gru"'],
    ["epochs", "9", "steps "],
  ])("another --%s than the run began with, which is named", async (name, value, told) => {
    const { code, message } = await refusal(`other-${name}`, good(), `--${name}`, value);
    expect(code).toBe("E_CHECKPOINT");
    expect(message).toContain(`The checkpoint's run had ${told}`);
    expect(message.length).toBeLessThan(300);
  });

  it("another text than the run began with", async () => {
    cli.write("other.txt", readFileSync(cli.file("book.txt"), "utf8").replace("whale", "elahw"));
    const { code, message } = await refusal("other-text", good(), cli.file("other.txt"));
    expect({ code, message }).toEqual({
      code: "E_CHECKPOINT",
      message: expect.stringMatching(/The checkpoint's run read another text\. Resume with the text/),
    });
  });
});
