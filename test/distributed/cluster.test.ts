import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { uniform } from "../../bench/faults/support.ts";
import { coordinate as coordinateRun } from "../../src/distributed/coordinate.ts";
import { jobsQueue } from "../../src/distributed/queue.ts";
import { clusterStatus } from "../../src/distributed/status.ts";
import { work as workOn } from "../../src/distributed/work.ts";
import { LanguageModel } from "../../src/entries/index.ts";
import { sources } from "../../src/kernels/generated/identity.ts";
import { byteTokenizer } from "../../src/text/byte.ts";
import { disturbed } from "./disturbed.ts";
import { bundleCommandLine, freePort, Member, Redis } from "./support.ts";

const BUNDLE = "build/test-cluster.mjs";
const folder = mkdtempSync(join(tmpdir(), "svi-lm-cluster-"));
const text = join(folder, "text.txt");
const members: Member[] = [];
let redis: Redis;

beforeAll(async () => {
  bundleCommandLine(BUNDLE);
  const lines = Array.from(
    { length: 3000 },
    (_, i) => `line ${i} of ${(i * 7919) % 3000}: the sea, the whale`,
  );
  writeFileSync(text, `${lines.join("\n")}\n`);
  redis = new Redis(await freePort());
  await redis.start();
}, 60_000);
afterEach(async () => {
  for (const member of members.splice(0)) await member.kill();
});
afterAll(async () => {
  await redis.remove();
  rmSync(folder, { recursive: true, force: true });
});

let runs = 0;
/** Two runs of one Redis must not be one: the seed is part of a run's name. */
function coordinate(...more: string[]): Member {
  const shape =
    "--embedding 8 --hidden 16 --batch 4 --sequence 16 --shards 4 --rounds 3 --local 0.25 --lock 1".split(
      " ",
    );
  const out = ["--out", join(folder, `${++runs}.svi`), "--redis", redis.url];
  const member = new Member(BUNDLE, ["coordinate", text, ...out, ...shape, ...more]);
  members.push(member);
  return member;
}

function work(...more: string[]): Member {
  const member = new Member(BUNDLE, ["work", "--redis", redis.url, "--lock", "1", ...more]);
  members.push(member);
  return member;
}

const done = (event: { event: string }) => event.event === "done" && "hash" in event;

async function hashOf(coordinator: Member): Promise<string> {
  await coordinator.until(done);
  const last = coordinator.events.at(-1);
  if (!last || !done(last)) throw new Error(`No model: ${JSON.stringify(last)} ${coordinator.errors}`);
  return last.hash;
}

let undisturbed: string;

describe("a run over several processes", () => {
  it("has one hash for one worker and for three", { timeout: 120_000 }, async () => {
    work();
    undisturbed = await hashOf(coordinate());
    for (const member of members.splice(0)) await member.kill();
    await redis.kill();
    await redis.start();
    // The same run again: it is done, and begun anew.
    for (let i = 0; i < 3; i++) work();
    expect(await hashOf(coordinate())).toBe(undisturbed);
  });

  it("has that hash when workers are killed in the middle of jobs", { timeout: 120_000 }, async () => {
    const coordinator = coordinate();
    for (let i = 0; i < 3; i++) {
      const worker = work();
      await worker.until(({ event }) => event === "job");
      await worker.kill();
    }
    work();
    expect(await hashOf(coordinator)).toBe(undisturbed);
  });

  it("has that hash when the coordinator is killed and started again", { timeout: 120_000 }, async () => {
    work();
    const first = coordinate();
    await first.until((event) => event.event === "round");
    await first.kill();
    const second = coordinate();
    expect(await hashOf(second)).toBe(undisturbed);
    expect(second.events[0]).toMatchObject({ event: "run", resumed: true });
  });

  it("has that hash when Redis is killed and started again", { timeout: 120_000 }, async () => {
    work();
    const coordinator = coordinate();
    await coordinator.until((event) => event.event === "round");
    await redis.kill();
    await redis.start();
    expect(await hashOf(coordinator)).toBe(undisturbed);
  });

  it("has that hash when workers, coordinator and Redis are killed at random", {
    timeout: 240_000,
  }, async () => {
    const faults = { kills: 3, coordinators: 1, restarts: 1 };
    const shape = { bundle: BUNDLE, folder, text, rounds: 3 };
    const found = await disturbed(shape, 2, faults, uniform(7));
    expect(found.hash).toBe(undisturbed);
    expect(found.done).toEqual(faults);
  });

  it("has that hash on one machine, by threads in place of the queue", { timeout: 120_000 }, () => {
    const shape =
      "--embedding 8 --hidden 16 --batch 4 --sequence 16 --shards 4 --epochs 0.75 --local 0.25".split(" ");
    const trained = (workers: number) => {
      const out = ["--out", join(folder, "sharded.svi"), "--json"];
      const args = ["train", text, ...out, ...shape, "--workers", `${workers}`];
      const { stdout, stderr } = spawnSync(process.execPath, [BUNDLE, ...args], { encoding: "utf8" });
      const events = stdout.trim().split("\n");
      return { ...JSON.parse(events.at(-1)!), stderr };
    };
    for (const workers of [1, 2, 8])
      expect(trained(workers)).toMatchObject({ event: "done", hash: undisturbed, stderr: "" });
  });

  it("has that hash when one worker returns wrong results, which is named", {
    timeout: 120_000,
  }, async () => {
    const { Worker } = await import("bullmq");
    const coordinator = coordinate("--verify", "4");
    let lies = 0;
    const liar = new Worker(
      jobsQueue(),
      async ({ data }) => {
        lies++;
        const figures = { text: "0", tokens: 6976, nll: 1, seconds: 1, worker: "liar" };
        return { ...data, ...figures, change: data.model, state: data.model };
      },
      { connection: { host: "127.0.0.1", port: redis.port }, drainDelay: 1 },
    );
    await vi.waitFor(() => expect(lies).toBeGreaterThan(0), 20_000);
    await liar.close();
    work();
    work();
    expect(await hashOf(coordinator)).toBe(undisturbed);
    expect(coordinator.events).toContainEqual({ event: "poisoned", round: 0, shard: 0, worker: "liar" });
  });
});

describe("a run that is watched", () => {
  it("is listed by the board, which changes nothing", { timeout: 120_000 }, async () => {
    const board = new Member(BUNDLE, ["board", "--redis", redis.url, "--port", "0"]);
    members.push(board);
    work();
    await hashOf(coordinate("--seed", "5"));
    await board.until(({ event }) => event === "serving");
    const { url } = board.events[0];
    const queues = async () => (await (await fetch(`${url}api/queues?page=1`)).json()).queues;
    await vi.waitFor(async () => {
      const names = (await queues()).map(({ name }: { name: string }) => name);
      expect(names).toContain(jobsQueue());
    }, 20_000);
    expect((await queues()).every(({ readOnlyMode }: { readOnlyMode: boolean }) => readOnlyMode)).toBe(true);
    expect(await (await fetch(url)).text()).toContain("<html");
    board.child.kill("SIGINT");
    expect(await board.ended).toBe(130);
  });

  it("tells telemetry of every job and round", { timeout: 120_000 }, async () => {
    const { BullMQOtel } = await import("bullmq-otel");
    const { trace } = await import("@opentelemetry/api");
    const sdk = await import("@opentelemetry/sdk-trace-base");
    const exporter = new sdk.InMemorySpanExporter();
    trace.setGlobalTracerProvider(
      new sdk.BasicTracerProvider({ spanProcessors: [new sdk.SimpleSpanProcessor(exporter)] }),
    );
    const telemetry = new BullMQOtel({ tracerName: "svi-lm" });
    const model = await LanguageModel.create({ tokenizer: byteTokenizer(), embedding: 4, hidden: 8 });
    const abort = new AbortController();
    const working = (async () => {
      for await (const _event of workOn({ redis: redis.url, telemetry, signal: abort.signal }));
    })();
    const shape = { shards: 2, rounds: 1, local: 0.25, batch: 4, sequence: 16, seed: 9 };
    for await (const _event of coordinateRun({
      redis: redis.url,
      texts: [text],
      model,
      telemetry,
      ...shape,
    }));
    abort.abort();
    await working;
    trace.disable();
    const spans = exporter.getFinishedSpans().map(({ name }) => name);
    expect(spans.some((name) => name.includes(jobsQueue()))).toBe(true);
    expect(spans.some((name) => name.includes("svi-lm-rounds-"))).toBe(true);
  });
});

describe("what cannot work is refused", () => {
  const last = async (member: Member) => {
    const code = await member.ended;
    return { code, ...member.events.at(-1) };
  };

  it("a second coordinator of a run, with the first one left alone", { timeout: 120_000 }, async () => {
    const first = coordinate("--seed", "2");
    await first.until(({ event }) => event === "run");
    expect(await last(coordinate("--seed", "2"))).toMatchObject({ code: "E_BUSY" });
    work();
    await hashOf(first);
  });

  it("a Redis that is not there, or wants a password", { timeout: 120_000 }, async () => {
    const nowhere = new Member(BUNDLE, ["status", "--redis", `redis://127.0.0.1:${await freePort()}`]);
    expect(await last(nowhere)).toMatchObject({ event: "error", code: "E_REDIS" });
    const closed = new Redis(await freePort(), "--requirepass", "secret");
    await closed.start();
    const denied = new Member(BUNDLE, ["work", "--redis", closed.url]);
    expect(await last(denied)).toMatchObject({
      code: "E_REDIS",
      message: expect.stringContaining("password"),
    });
    await closed.remove();
  });

  it.each([
    ["version", { version: "9.9.9", sources }],
    ["kernels", { version: "9.9.9", sources: "0000" }],
  ])("a worker of another %s than the run under way", { timeout: 120_000 }, async (_, release) => {
    const other = new Redis(await freePort());
    await other.start();
    const { Redis: Client } = await import("ioredis");
    const client = new Client(other.port);
    const entry = { ...release, status: "running" };
    await client.hset("svi-lm:runs", "run", JSON.stringify(entry));
    const worker = new Member(BUNDLE, ["work", "--redis", other.url]);
    expect(await last(worker)).toMatchObject({
      code: "E_VERSION",
      message: expect.stringContaining("9.9.9"),
    });
    client.disconnect();
    await other.remove();
  });

  it("a text that changes during a run", { timeout: 120_000 }, async () => {
    const changing = join(folder, "changing.txt");
    const lines = (word: string) => Array.from({ length: 2000 }, (_, i) => `line ${i} of ${word}\n`).join("");
    writeFileSync(changing, lines("rain"));
    const options =
      "--embedding 8 --hidden 16 --batch 4 --sequence 16 --shards 2 --rounds 50 --local 0.25 --lock 1".split(
        " ",
      );
    const out = ["--out", join(folder, "changing.svi"), "--redis", redis.url];
    const coordinator = new Member(BUNDLE, ["coordinate", changing, ...out, ...options]);
    members.push(coordinator);
    work();
    await coordinator.until((event) => event.event === "round" && (event as { round?: number }).round === 1);
    writeFileSync(changing, lines("snow"));
    expect(await last(coordinator)).toMatchObject({ event: "error", code: "E_TEXT_CHANGED" });
  });

  it("stops where it is asked to, with the model of the last merged round, and continues by the same command", {
    timeout: 120_000,
  }, async () => {
    const own = new Redis(await freePort());
    await own.start();
    const shape =
      "--embedding 8 --hidden 16 --batch 4 --sequence 16 --shards 4 --rounds 500 --local 0.25 --lock 1".split(
        " ",
      );
    const at = ["--redis", own.url];
    const begin = () => {
      const coordinator = new Member(BUNDLE, [
        "coordinate",
        text,
        "--out",
        join(folder, "stop.svi"),
        ...at,
        ...shape,
      ]);
      members.push(coordinator);
      return coordinator;
    };
    const listed = async () => (await clusterStatus({ redis: own.url })).runs[0];
    members.push(new Member(BUNDLE, ["work", ...at, "--lock", "1"]));
    // A merge may be in hand, or not.
    for (let stops = 0; stops < 4; stops++) {
      const coordinator = begin();
      await coordinator.until(({ event }) => event === "round");
      expect(await listed()).toMatchObject({ status: "running", coordinator: true });
      await new Promise((resolve) => setTimeout(resolve, 70 * stops));
      await new Member(BUNDLE, ["stop", ...at]).ended;
      const { hash, tokens, ...stopped } = await last(coordinator);
      expect(stopped).toMatchObject({ event: "stopped" });
      expect(hash).toMatch(/^[0-9a-f]{64}$/);
      expect(coordinator.events[0]).toMatchObject({ resumed: stops > 0 });
      expect(await listed()).toMatchObject({ status: "stopped", coordinator: false, hash, tokens });
    }
    const lost = begin();
    await lost.until(({ event }) => event === "round");
    await lost.kill();
    expect(await listed()).toMatchObject({ status: "running", coordinator: false });
    await new Member(BUNDLE, ["stop", ...at]).ended;
    expect(await listed()).toMatchObject({ status: "stopped", coordinator: false });
    const next = begin();
    await next.until(({ event }) => event === "round");
    expect(next.events[0]).toMatchObject({ event: "run", resumed: true });
    expect(await listed()).toMatchObject({ status: "running", coordinator: true });
    await next.kill();
    await own.remove();
  });
});
