/**
 * What a run over shards would take: rounds as list scheduling of their jobs on workers, a store that all of them
 * share, and a coordinator that merges one change after the other. Every constant is measured (measure.ts) or given.
 */

/** What one machine of the cluster does, in seconds, bytes and tokens. */
export interface Machine {
  /** Of one worker, while it trains. */
  readonly tokensPerSecond: number;
  /** A job, besides training and transport: text and model opened, trainer planned. */
  readonly jobSeconds: number;
  /** The coordinator's, for one change of one parameter. */
  readonly mergeSecondsPerParameter: number;
  /** Between a round's last merge and the next round's first job. */
  readonly roundSeconds: number;
  /** Compressed bytes, a parameter: the model that a job reads, the change and the state that it writes. */
  readonly modelBytes: number;
  readonly resultBytes: number;
}

export interface Network {
  /** Seconds until the store answers. */
  readonly latency: number;
  /** Bytes a second of one worker, and of the store for all of them. */
  readonly workerBandwidth: number;
  readonly storeBandwidth: number;
}

export interface Run {
  readonly parameters: number;
  readonly workers: number;
  readonly shards: number;
  readonly rounds: number;
  /** Of the whole run. */
  readonly tokens: number;
}

export type Limit = "training" | "idle workers" | "a worker's link" | "the store's bandwidth" | "merging";

export interface Estimate {
  readonly seconds: number;
  readonly roundSeconds: number;
  /** What a round spends most of its time on. */
  readonly limit: Limit;
  /** Share of a round in which a worker trains. */
  readonly training: number;
}

/** @returns the time of all rounds; the one job of the warm-up is left to `tokens` */
export function simulate(run: Run, machine: Machine, network: Network): Estimate {
  const { parameters, workers, shards, rounds, tokens } = run;
  const jobTokens = tokens / rounds / shards;
  const bytes = parameters * (machine.modelBytes + 2 * machine.resultBytes);
  const trainingSeconds = jobTokens / machine.tokensPerSecond;
  const linkSeconds = 3 * network.latency + bytes / network.workerBandwidth;
  const waves = Math.ceil(shards / workers);
  const compute = waves * (trainingSeconds + machine.jobSeconds + linkSeconds);
  const store = (shards * bytes) / network.storeBandwidth;
  const merging =
    shards * (network.latency + parameters * machine.mergeSecondsPerParameter) + machine.roundSeconds;
  const roundSeconds = Math.max(compute, store) + merging;
  const useful = (shards / workers) * trainingSeconds;
  const shares: readonly (readonly [Limit, number])[] = [
    ["training", useful],
    ["idle workers", waves * trainingSeconds - useful],
    ["a worker's link", waves * (machine.jobSeconds + linkSeconds)],
    ["the store's bandwidth", Math.max(0, store - compute)],
    ["merging", merging],
  ];
  const [limit] = shares.reduce((most, share) => (share[1] > most[1] ? share : most));
  return { seconds: rounds * roundSeconds, roundSeconds, limit, training: useful / roundSeconds };
}
