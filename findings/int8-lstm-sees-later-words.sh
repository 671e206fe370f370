#!/usr/bin/env bash
# Package: onnxruntime-node 1.30.0 (npm), its operator DynamicQuantizeLSTM, which dynamic quantisation makes of an ONNX
#   LSTM; onnx-proto 8.0.1 (npm) writes the file.
# Expected: an LSTM that reads forwards, with 8-bit weights, is a little off, but is one function of what came before:
#   what it says of a word does not depend on the words after it, and a text scored whole has the log probability that
#   it has word by word, with the state carried along. The float32 operator has both to a rounding error.
# Seen: the scale by which inputs are rounded is found over the whole call, all timesteps together, so that the last
#   word moves the probabilities of all that stand before it. With a last word whose embedding is twice as long as the
#   others, texts of 20 words move by 0.03 nats on average and 0.10 at most; scored word by word they differ by as much
#   from the same text in one call. So a perplexity depends on the length of its windows, candidates of an n-best list
#   on how they end, and the score of a prefix is not what the text's first words have in the whole text.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts onnxruntime-node@1.30.0 onnx-proto@8.0.1
cat > look.mjs <<'JS'
import assert from "node:assert/strict";
import proto from "onnx-proto";
import ort from "onnxruntime-node";

const [words, width, hidden, length, texts] = [50, 32, 64, 20, 50];
const [FLOAT, INT8, INT64, INT] = [1, 3, 7, 2];
let state = 1;
const uniform = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
const normal = () => Array.from({ length: 12 }, uniform).reduce((sum, value) => sum + value, -6);
const random = (count, scale) => Float32Array.from({ length: count }, () => scale * normal());

const [plain, long] = [words - 2, words - 1];
const embedding = random(words * width, 1);
for (let i = 0; i < width; i++) embedding[long * width + i] *= 2;
const input = random(4 * hidden * width, width ** -0.5);
const recurrent = random(4 * hidden * hidden, hidden ** -0.5);
const output = random(hidden * words, 3 * hidden ** -0.5);

const tensor = (name, dataType, dims, data) => ({ name, dataType, dims, rawData: new Uint8Array(data.buffer) });
const value = (name, elemType, dims) => {
  const dim = dims.map((size) => (typeof size === "number" ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
};
const node = (opType, input, output, more = {}) => ({ opType, input, output, ...more });

/** Transposed weights of 8 bits and their scale. */
function quantized(matrix, columns) {
  const rows = matrix.length / columns;
  const scale = matrix.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0) / 127;
  const weights = new Int8Array(matrix.length);
  for (const [i, weight] of matrix.entries())
    weights[(i % columns) * rows + Math.floor(i / columns)] = Math.round(weight / scale);
  return [weights, Float32Array.of(scale)];
}

function model(int8) {
  const [w, wScale] = quantized(input, width);
  const [r, rScale] = quantized(recurrent, hidden);
  const weights = int8
    ? [
        tensor("w", INT8, [1, width, 4 * hidden], w),
        tensor("r", INT8, [1, hidden, 4 * hidden], r),
        tensor("wScale", FLOAT, [1], wScale),
        tensor("rScale", FLOAT, [1], rScale),
        tensor("zero", INT8, [1], new Int8Array(1)),
      ]
    : [
        tensor("w", FLOAT, [1, 4 * hidden, width], input),
        tensor("r", FLOAT, [1, 4 * hidden, hidden], recurrent),
      ];
  const inputs = ["x", "w", "r", "", "", "h0", "c0"];
  const attribute = [{ name: "hidden_size", type: INT, i: hidden }];
  const lstm = int8
    ? node("DynamicQuantizeLSTM", [...inputs, "", "wScale", "zero", "rScale", "zero"], ["y", "h", "c"], {
        domain: "com.microsoft",
        attribute,
      })
    : node("LSTM", inputs, ["y", "h", "c"], { attribute });
  const carried = ["h0", "c0"].map((name) => value(name, FLOAT, [1, 1, hidden]));
  const graph = {
    name: "language model",
    initializer: [
      tensor("embedding", FLOAT, [words, width], embedding),
      tensor("output", FLOAT, [hidden, words], output),
      ...weights,
    ],
    node: [
      node("Gather", ["embedding", "ids"], ["x"]),
      lstm,
      node("MatMul", ["y", "output"], ["logits"]),
      node("LogSoftmax", ["logits"], ["p"], { attribute: [{ name: "axis", type: INT, i: -1 }] }),
    ],
    input: [value("ids", INT64, ["time", 1]), ...carried],
    output: [value("p", FLOAT, ["time", 1, 1, words]), ...["h", "c"].map((name) => value(name, FLOAT, [1, 1, hidden]))],
  };
  const opsetImport = [
    { domain: "", version: 13 },
    { domain: "com.microsoft", version: 1 },
  ];
  const { ModelProto } = proto.onnx;
  return ModelProto.encode(ModelProto.fromObject({ irVersion: 8, opsetImport, graph })).finish();
}

async function scorer(int8) {
  const session = await ort.InferenceSession.create(model(int8), { intraOpNumThreads: 1 });
  const zeros = () => new ort.Tensor("float32", new Float32Array(hidden), [1, 1, hidden]);
  const run = (ids, before) => {
    const feed = new ort.Tensor("int64", BigInt64Array.from(ids, BigInt), [ids.length, 1]);
    return session.run({ ids: feed, h0: before?.h ?? zeros(), c0: before?.c ?? zeros() });
  };
  /** Log probability of a text's words after its first, of which the network reads one more at the end. */
  const whole = async (text, last) => {
    const { p } = await run([...text, last]);
    return text.slice(1).reduce((sum, word, i) => sum + p.data[i * words + word], 0);
  };
  const stepwise = async (text) => {
    let [sum, before] = [0, undefined];
    for (const [i, word] of text.slice(1).entries()) {
      before = await run([text[i]], before);
      sum += before.p.data[word];
    }
    return sum;
  };
  return { whole, stepwise };
}

const found = {};
for (const name of ["float32", "int8"]) {
  const { whole, stepwise } = await scorer(name === "int8");
  state = 7;
  let [later, calls, most] = [0, 0, 0];
  for (let i = 0; i < texts; i++) {
    const text = Array.from({ length }, () => Math.floor(uniform() * plain));
    const score = await whole(text, long);
    const moved = Math.abs(score - (await whole(text, plain)));
    later += moved / texts;
    most = Math.max(most, moved);
    calls += Math.abs(score - (await stepwise(text))) / texts;
  }
  found[name] = { later, calls, most };
  console.log(
    `${name}: another last word moves the log probability of the ${length - 1} before it by ${later.toFixed(4)} nats` +
      ` on average, ${most.toFixed(4)} at most; word by word by ${calls.toFixed(4)}`,
  );
}
assert.ok(found.float32.most < 1e-3 && found.float32.calls < 1e-3);
assert.ok(found.int8.later > 0.01 && found.int8.calls > 0.01);
JS
node look.mjs
