/** Rows of the embedding that a window does not read are not drawn; a training has the bits as if they were. */
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { ivon } from "../../src/inference/public.ts";
import { seedOf } from "../../src/kernels/random.ts";
import { finish } from "../../src/kernels/tape.ts";
import { configureModel } from "../../src/model/configuration.ts";
import { layoutOf } from "../../src/model/layout.ts";
import { Posterior } from "../../src/model/posterior.ts";
import { schedule } from "../../src/training/schedule.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { randomNumbers } from "../support/random.ts";

const SHAPE = { vocabulary: 300, embedding: 24, hidden: 16 };
const [BATCH, SEQUENCE, STEPS] = [3, 4, 24];

/** @param whole whether all rows are drawn; @returns the posterior's hash */
function train(whole: boolean, options: { particles?: number; dropout?: number; tied?: boolean }) {
  const { particles = 1, dropout = 0, tied = false } = options;
  const configuration = configureModel(SHAPE.vocabulary, { ...SHAPE, ...(tied && { embedding: 16 }), tied });
  const layout = layoutOf(configuration);
  const random = randomNumbers(4);
  const mean = Float32Array.from({ length: layout.length }, () => random() - 0.5);
  const posterior = new Posterior(configuration, mean, null, null);
  const trainer = new Trainer(posterior, {
    method: ivon({ particles, probe: 2, noiseRamp: 0.1 }),
    batch: BATCH,
    sequence: SEQUENCE,
    steps: STEPS,
    lambda: 1e4,
    seed: seedOf(5),
    schedule: schedule("constant"),
    dropout,
    separator: -1,
    averaging: 0,
  });
  const { guide } = trainer;
  const draw = guide.draw.bind(guide);
  if (whole) guide.draw = (position, particle) => draw(position, particle);
  const tokens = () =>
    Int32Array.from({ length: BATCH * SEQUENCE }, () => Math.floor(random() * SHAPE.vocabulary));
  for (let step = 0; step < STEPS; step++)
    finish(trainer.update(finish(trainer.differentiate(tokens(), tokens(), SEQUENCE)), false));
  finish(trainer.publish());
  return createHash("sha256").update(posterior.mean).update(posterior.precision!).digest("hex");
}

test.each([{}, { particles: 2 }, { dropout: 0.3 }, { tied: true }])(
  "the same bits with and without the other rows: %o",
  (options) => {
    expect(train(false, options)).toBe(train(true, options));
  },
);
