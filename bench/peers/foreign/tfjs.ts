/** @module TensorFlow.js on its cpu backend, as a measured process: the same model, trained by its own Adam. */
import * as tf from "@tensorflow/tfjs";
import { given, serve } from "../serve.ts";
import { shapeOf, type Task } from "../shapes.ts";

const { task, backend } = given();
const { vocabulary, embedding, hidden, layers, batch, sequence } = shapeOf(task as Task);
if (backend === "wasm") await import("@tensorflow/tfjs-backend-wasm");
await tf.setBackend(backend);

const training = task.startsWith("train");
const model = tf.sequential();
const batchInputShape = training ? [batch, sequence] : [1, 1];
model.add(tf.layers.embedding({ inputDim: vocabulary, outputDim: embedding, batchInputShape }));
for (let i = 0; i < layers; i++)
  model.add(
    tf.layers.lstm({
      units: hidden,
      returnSequences: true,
      stateful: true,
      // Its own, orthogonal, takes minutes at this size on the cpu backend; values do not change the speed.
      recurrentInitializer: "glorotUniform",
    }),
  );
model.add(tf.layers.dense({ units: vocabulary, activation: training ? "linear" : "softmax" }));

const randomIds = (shape: [number, number]) => tf.randomUniform(shape, 0, vocabulary, "int32");

function train(): () => Promise<void> {
  const optimizer = tf.train.adam(2e-3);
  const [inputs, targets] = [randomIds([batch, sequence]), randomIds([batch, sequence])];
  const expected = tf.oneHot(targets.cast("int32"), vocabulary);
  return async () => {
    const loss = optimizer.minimize(
      () => tf.losses.softmaxCrossEntropy(expected, model.apply(inputs, { training: true }) as tf.Tensor),
      true,
    );
    await loss!.data();
    loss!.dispose();
  };
}

function predict(): () => Promise<void> {
  const token = randomIds([1, 1]);
  return async () => {
    const probabilities = model.predict(token) as tf.Tensor;
    await probabilities.data();
    probabilities.dispose();
  };
}

await serve(`tfjs ${tf.version.tfjs} ${backend}`, training ? train() : predict());
