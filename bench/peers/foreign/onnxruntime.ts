/** @module ONNX Runtime on one thread, native or WebAssembly, as a measured process: a token at a time. */
import { given, serve } from "../serve.ts";
import { shapeOf, type Task } from "../shapes.ts";
import { onnxModel } from "./onnx.ts";

const { task, backend } = given();
const shape = shapeOf(task as Task);
const { hidden, layers, vocabulary } = shape;
const web = backend === "web";
const ort = web ? await import("onnxruntime-web") : await import("onnxruntime-node");
if (web) ort.env.wasm.numThreads = 1;

const session = await ort.InferenceSession.create(onnxModel(shape), {
  executionProviders: [web ? "wasm" : "cpu"],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: "sequential",
  graphOptimizationLevel: "all",
});
const ids = BigInt64Array.of(0n);
const feeds: Record<string, InstanceType<typeof ort.Tensor>> = {
  token: new ort.Tensor("int64", ids, [1, 1]),
};
for (let l = 0; l < layers; l++)
  for (const name of ["h", "c"])
    feeds[name + l] = new ort.Tensor("float32", new Float32Array(hidden), [1, 1, hidden]);

let token = 0;
let sum = 0;
await serve(`onnxruntime ${ort.env.versions[web ? "web" : "node"] ?? ""}`.trim(), async () => {
  ids[0] = BigInt(token);
  const results = await session.run(feeds);
  for (let l = 0; l < layers; l++) {
    feeds[`h${l}`] = results[`h${l}_next`] as never;
    feeds[`c${l}`] = results[`c${l}_next`] as never;
  }
  sum += (results.probabilities.data as Float32Array)[0];
  token = (token * 361 + 7 + Number(sum > 1e30)) % vocabulary;
});
