/**
 * The study behind docs/lab/results.md: SVI against maximum likelihood on five texts, one of them twice.
 *
 *   npm run study -- --data DIR [--also all|none|NAME,…] [--only moby-characters,…] [--cache build/study] [--workers 2] [--small] [--quick] [--report] [--ablations] [--restore]
 *
 * DIR holds tinyshakespeare.txt and warandpeace.txt. Every finished run is a file in the cache and is never made
 * again: the same command continues where it was stopped, and with --restore where docs/lab/results.json ends. --report
 * makes no run, and reports what there is. --small keeps the texts and the protocol, with models of 30,000 to
 * 130,000 parameters: half an hour instead of hours.
 * --ablations makes, in place of the comparison, runs of IVON with one of its parts changed: docs/lab/ablations.md.
 * --quick shows in minutes that all works, and writes to the cache alone.
 */
import "../../src/kernels/embedded.ts";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Pool } from "../../src/cli/compare/pool.ts";
import { compareOn, type Subject } from "../../src/cli/compare/session.ts";
import { RunStore } from "../../src/cli/compare/store.ts";
import { watchRuns } from "../../src/cli/compare/watch.ts";
import { serve, WORKER } from "../../src/cli/compare/worker.ts";
import { alsoOf } from "../../src/cli/compare.ts";
import { Interruption } from "../../src/cli/interrupt.ts";
import { note } from "../../src/cli/print.ts";
import { type CorpusReport, reportCorpus } from "../../src/comparison/report.ts";
import { SviError } from "../../src/errors.ts";
import { type Ablated, ablate, writeAblations } from "./ablations.ts";
import { prepare, SOURCES } from "./corpora.ts";
import { type Published, restore } from "./restore.ts";
import { type Finished, writeResults } from "./results.ts";

async function study(): Promise<void> {
  const { values } = parseArgs({
    options: {
      data: { type: "string" },
      only: { type: "string" },
      also: { type: "string", default: "all" },
      cache: { type: "string", default: "build/study" },
      workers: { type: "string", default: "2" },
      quick: { type: "boolean", default: false },
      small: { type: "boolean", default: false },
      report: { type: "boolean", default: false },
      ablations: { type: "boolean", default: false },
      restore: { type: "boolean", default: false },
      "no-docs": { type: "boolean", default: false },
    },
  });
  if (!values.data && !values.quick)
    throw new SviError("E_OPTION", "--data is missing", {
      remedy: "Give the folder that holds tinyshakespeare.txt and warandpeace.txt",
    });
  const folder = values.quick ? join(values.cache, "quick") : values.cache;
  const interruption = new Interruption();
  interruption.watch();
  const store = new RunStore(join(folder, "runs"));
  await store.prepare();
  const watcher = watchRuns(false);
  const pool = values.report ? null : new Pool(store, Number(values.workers), watcher, interruption.signal);
  const only = values.only?.split(",");
  const chosen = values.ablations ? ABLATED : values.quick ? QUICK : null;
  const sources = SOURCES.filter(({ id }) => (only ?? chosen)?.includes(id) ?? true);
  const finished: Finished[] = [];
  const ablated: Ablated[] = [];
  const out = values.quick || values["no-docs"] ? join(folder, "report") : "docs/lab";
  await mkdir(out, { recursive: true });
  const size =
    (values.quick ? " --quick" : values.small ? " --small" : "") + (values.ablations ? " --ablations" : "");
  const command = `npm run study -- --data DIR${size}`;
  // Read before the first of the texts is written: results hold what is finished so far.
  const published: Published | null = values.restore ? JSON.parse(await readFile(PUBLISHED, "utf8")) : null;
  try {
    for (const source of sources) {
      const whole = await prepare(source, values.data ?? "", folder);
      const sized = values.quick ? quick(whole) : values.small ? small(whole) : whole;
      const subject = { ...sized, also: values.also === "none" ? [] : alsoOf(values.also) };
      if (published) await restore(subject, store, folder, published);
      if (values.ablations) {
        ablated.push(await ablate(subject, pool, store));
        await writeAblations(ablated, out, command);
        continue;
      }
      const compared = await compareOn(subject, { pool, store, folder });
      const report: CorpusReport = reportCorpus(compared, finished.length);
      finished.push({ id: source.id, compared, report });
      for (const line of report.verdict) note(`${source.name}: ${line}`);
      await writeResults(finished, out, command);
    }
  } finally {
    watcher.stop();
  }
  note(
    `Written: ${values.ablations ? join(out, "ablations.md") : `${join(out, "results.html")}, results.md, results.json`}`,
  );
}

/** The same texts and protocol for models that a core trains in seconds. */
function small({ shape, budget, texts, ...subject }: Subject): Subject {
  const words = subject.kind === "words";
  return {
    ...subject,
    shape: { ...shape, embedding: words ? 48 : 24, hidden: 64, batch: 16 },
    budget: { ...budget, tokens: 300_000, trialShare: 0.5, start: 1 },
    texts: { ...texts, maximumVocabulary: words ? 1000 : undefined, curveTokens: 4000, sampledTokens: 2000 },
  };
}

const PUBLISHED = "docs/lab/results.json";

/** One text that is overfitted, and one that is not. */
const ABLATED = ["moby-words", "tinyshakespeare"];

/** What is at hand without a folder of texts. */
const QUICK = ["moby-characters", "moby-words"];

/** Small in everything: it shows that the whole works, and no more. */
function quick({ shape, budget, ...subject }: Subject): Subject {
  const small = { ...shape, embedding: 32, hidden: 64 };
  return {
    ...subject,
    shape: small,
    budget: {
      ...budget,
      tokens: 40_000,
      start: 1,
      trials: 2,
      seeds: [1, 2],
      longSeeds: 1,
      points: 20,
      trialPoints: 5,
    },
    texts: { ...subject.texts, curveTokens: 2000, sampledTokens: 1000 },
  };
}

if (process.argv[2] === WORKER && process.send) serve();
else
  await study().catch((error) => {
    note(error instanceof SviError ? `${error.code}: ${error.message}` : String(error?.stack ?? error));
    process.exitCode = 1;
  });
