/** @module What can be chosen about a run, what each means, and what suits a text where nothing is chosen. */

export interface Settings {
  readonly tokenizer: "character" | "word";
  readonly hidden: number;
  readonly layers: number;
  readonly epochs: number;
  readonly batch: number;
  readonly sequence: number;
  readonly temperature: number;
  readonly seed: number;
  readonly rival: boolean;
}

export const DEFAULTS: Settings = {
  tokenizer: "character",
  hidden: 128,
  layers: 1,
  epochs: 12,
  batch: 16,
  sequence: 32,
  temperature: 0.6,
  seed: 1,
  rival: true,
};

/** Points of a run's curve. */
export const POINTS = 60;

interface NumberSetting {
  readonly key: "hidden" | "layers" | "epochs" | "batch" | "sequence" | "temperature" | "seed";
  readonly label: string;
  readonly means: string;
  readonly least: number;
  readonly most: number;
  readonly step: number;
}

export const NUMBERS: readonly NumberSetting[] = [
  {
    key: "epochs",
    label: "Readings",
    means:
      "How often the text is read. More than a few is where maximum likelihood begins to learn by heart.",
    least: 1,
    most: 200,
    step: 1,
  },
  {
    key: "hidden",
    label: "Units",
    means: "How much the model can keep in mind. Twice as many cost about four times the time.",
    least: 8,
    most: 1024,
    step: 8,
  },
  {
    key: "layers",
    label: "Layers",
    means: "Layers of units, one above the other.",
    least: 1,
    most: 4,
    step: 1,
  },
  {
    key: "batch",
    label: "Lanes",
    means: "Places in the text that are read side by side. Fewer make more, rougher steps.",
    least: 1,
    most: 256,
    step: 1,
  },
  {
    key: "sequence",
    label: "Timesteps",
    means: "How far back a mistake is traced.",
    least: 4,
    most: 512,
    step: 1,
  },
  {
    key: "temperature",
    label: "Temperature of the samples",
    means: "Of the text that is written while it trains: lower is safer, higher is bolder.",
    least: 0.1,
    most: 2,
    step: 0.1,
  },
  {
    key: "seed",
    label: "Seed",
    means:
      "All chance comes from it: the same seed, text and settings give the same model to the last bit, on every machine.",
    least: 0,
    most: 1_000_000,
    step: 1,
  },
];

/** Lanes and timesteps that a text of so many tokens can be cut into; the settings' own where it is long enough. */
export function fitting({ batch, sequence }: Settings, tokens: number): { batch: number; sequence: number } {
  let lanes = batch;
  while (lanes > 1 && Math.floor(tokens / lanes) < 2 * sequence + 1) lanes = lanes >> 1;
  return { batch: lanes, sequence: Math.max(1, Math.min(sequence, Math.floor(tokens / lanes) - 1)) };
}
