/** @module svi-lm itself, as a measured process. */
import "../../src/kernels/embedded.ts";
import { relaxed } from "../../src/entries/relaxed.ts";
import { threads } from "../../src/entries/threads.ts";
import { adam, ivon } from "../../src/inference/public.ts";
import type { ProductForm } from "../../src/kernels/forms.ts";
import { defaultKernels, type Kernels } from "../../src/kernels/kernels.ts";
import { seedOf } from "../../src/kernels/random.ts";
import { useWideKernels } from "../../src/kernels/wide.ts";
import { Predictor } from "../../src/prediction/predictor.ts";
import { randomPosterior, randomTokens, STILL, step, trainerOf } from "../run.ts";
import { given, serve } from "./serve.ts";
import { shapeOf, type Task } from "./shapes.ts";

const options = given();
const task = options.task as Task;
const shape = shapeOf(task);
const kernels = await kernelsOf(options);

async function kernelsOf({ build, threads: count, wide }: Record<string, string>): Promise<Kernels> {
  const { reason } = wide ? await useWideKernels() : { reason: null };
  if (reason) throw new Error(reason);
  if (count) return threads({ count: Number(count) });
  return build === "relaxed" ? relaxed : defaultKernels();
}

function training(): () => void {
  const { batch, sequence } = shape;
  const method = options.method === "ivon" ? ivon(STILL) : adam(STILL);
  const products = options.products as ProductForm | undefined;
  const trainer = trainerOf({ ...shape, products }, method, kernels);
  const text = randomTokens({ ...shape, sequence: 64 * sequence + 1 });
  let position = 0;
  return () => {
    const inputs = text.subarray(position, position + batch * sequence);
    const targets = text.subarray(position + batch, position + batch * (sequence + 1));
    position = (position + batch * sequence) % (64 * sequence * batch);
    step(trainer, inputs, targets);
  };
}

/** With + 7 it visits every id of both vocabularies before one comes again. */
const STEP = 361;

function prediction(samples: number): () => void {
  const { sampling, quantized } = options;
  const predictor = new Predictor(randomPosterior(shape, 1e4), samples, {
    kernels,
    sampling,
    quantized,
  } as never);
  predictor.plan.commit();
  for (const _ of predictor.begin(seedOf(1)));
  const token = Int32Array.of(0);
  const times = Number(options.times ?? 1);
  let sum = 0;
  return () => {
    const visit = (_: number, { probabilities }: { probabilities: Float32Array }) => {
      sum += probabilities[0];
    };
    for (let i = 0; i < times; i++) {
      for (const _ of predictor.read(token, visit));
      // Every id in turn and far apart: no kept product of the first layer helps where they do not all fit.
      token[0] = (token[0] * STEP + 7 + Number(sum > 1e30)) % shape.vocabulary;
    }
  };
}

const samples = task.startsWith("predict16") && !options.times ? 16 : 0;
const run = task.startsWith("predict") ? prediction(samples) : training();
await serve(process.version, run);
