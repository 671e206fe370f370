/** @module The models as an ONNX file: embedding, LSTM layers, linear, softmax, one token at a time; states go in and out. */
import type { Shape } from "../shapes.ts";

/** Protocol buffers as they lie in a file: onnx.proto3's field numbers below. */
type Field = Uint8Array;

const OPSET = 14;
const FLOAT = 1;
const INT64 = 7;

function varint(value: number): number[] {
  const bytes = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return [...bytes, value];
}

const number = (field: number, value: number): Field =>
  Uint8Array.from([...varint(field << 3), ...varint(value)]);

function bytes(field: number, ...parts: Uint8Array[]): Field {
  const body = Buffer.concat(parts);
  return Buffer.concat([Uint8Array.from([(field << 3) | 2, ...varint(body.length)]), body]);
}

const text = (field: number, value: string): Field => bytes(field, Buffer.from(value));

const node = (type: string, inputs: string[], outputs: string[], ...attributes: Field[]): Field =>
  bytes(
    1,
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(4, type),
    ...attributes,
  );

const integer = (name: string, value: number): Field =>
  bytes(5, text(1, name), number(3, value), number(20, 2));

const integers = (name: string, values: number[]): Field =>
  bytes(5, text(1, name), ...values.map((value) => number(8, value)), number(20, 7));

const initializer = (name: string, shape: number[], data: Float32Array | BigInt64Array): Field =>
  bytes(
    5,
    ...shape.map((size) => number(1, size)),
    number(2, data instanceof Float32Array ? FLOAT : INT64),
    text(8, name),
    bytes(9, new Uint8Array(data.buffer)),
  );

/** @param shape sizes, or names of those that differ from run to run */
const value = (field: number, name: string, type: number, shape: (number | string)[]): Field =>
  bytes(
    field,
    text(1, name),
    bytes(
      2,
      bytes(
        1,
        number(1, type),
        bytes(
          2,
          ...shape.map((size) => bytes(1, typeof size === "string" ? text(2, size) : number(1, size))),
        ),
      ),
    ),
  );

/** Inputs `token` [1, 1], `h0`, `c0`, … [1, 1, hidden]; outputs `probabilities` [1, vocabulary], `h0_next`, …. */
export function onnxModel({ vocabulary, embedding, hidden, layers }: Shape): Uint8Array {
  const random = (size: number) => Float32Array.from({ length: size }, () => (Math.random() - 0.5) / 8);
  const state = [1, 1, hidden];
  const parts: Field[] = [
    initializer("embedding", [vocabulary, embedding], random(vocabulary * embedding)),
    initializer("output", [hidden, vocabulary], random(vocabulary * hidden)),
    initializer("bias", [vocabulary], random(vocabulary)),
    initializer("one", [1], BigInt64Array.of(1n)),
    initializer("flat", [2], BigInt64Array.of(1n, BigInt(hidden))),
    value(11, "token", INT64, [1, 1]),
    value(12, "probabilities", FLOAT, [1, vocabulary]),
    node("Gather", ["embedding", "token"], ["x0"]),
  ];
  for (let l = 0; l < layers; l++) {
    const width = l === 0 ? embedding : hidden;
    parts.push(
      initializer(`w${l}`, [1, 4 * hidden, width], random(4 * hidden * width)),
      initializer(`r${l}`, [1, 4 * hidden, hidden], random(4 * hidden * hidden)),
      initializer(`b${l}`, [1, 8 * hidden], random(8 * hidden)),
      value(11, `h${l}`, FLOAT, state),
      value(11, `c${l}`, FLOAT, state),
      value(12, `h${l}_next`, FLOAT, state),
      value(12, `c${l}_next`, FLOAT, state),
      node(
        "LSTM",
        [`x${l}`, `w${l}`, `r${l}`, `b${l}`, "", `h${l}`, `c${l}`],
        [`y${l}`, `h${l}_next`, `c${l}_next`],
        integer("hidden_size", hidden),
      ),
      // [1, 1 direction, 1, hidden] loses its direction.
      node("Squeeze", [`y${l}`, "one"], [`x${l + 1}`]),
    );
  }
  parts.push(
    node("Reshape", [`x${layers}`, "flat"], ["top"]),
    node("MatMul", ["top", "output"], ["products"]),
    node("Add", ["products", "bias"], ["logits"]),
    node("Softmax", ["logits"], ["probabilities"]),
    text(2, "lstm"),
  );
  return Buffer.concat([number(1, 8), bytes(7, ...parts), bytes(8, number(2, OPSET))]);
}

/** PyTorch's rows by gate are i, f, g, o; ONNX has i, o, f, g. */
function inOrder(rows: Float32Array): Float32Array {
  const size = rows.length / 4;
  const ordered = new Float32Array(rows.length);
  for (const [to, from] of [0, 3, 1, 2].entries())
    ordered.set(rows.subarray(from * size, (from + 1) * size), to * size);
  return ordered;
}

/**
 * Whole lines at once, with a trained model's weights: inputs `tokens` and `targets` [time, batch]; output `scores`,
 * the targets' log-probabilities [time, batch, 1].
 * @param tensors by PyTorch's names
 */
export function onnxScorer(
  { vocabulary, embedding, hidden, layers }: Shape,
  tensors: (name: string) => Float32Array,
): Uint8Array {
  const parts: Field[] = [
    initializer("embedding", [vocabulary, embedding], tensors("embedding.weight")),
    initializer("output", [vocabulary, hidden], tensors("output.weight")),
    initializer("bias", [vocabulary], tensors("output.bias")),
    initializer("one", [1], BigInt64Array.of(1n)),
    initializer("two", [1], BigInt64Array.of(2n)),
    value(11, "tokens", INT64, ["time", "batch"]),
    value(11, "targets", INT64, ["time", "batch"]),
    value(12, "scores", FLOAT, ["time", "batch", 1]),
    node("Gather", ["embedding", "tokens"], ["x0"]),
  ];
  for (let l = 0; l < layers; l++) {
    const width = l === 0 ? embedding : hidden;
    const gates = (name: string) => inOrder(tensors(`lstm.${name}_l${l}`));
    const biases = new Float32Array(8 * hidden);
    biases.set(gates("bias_ih"));
    biases.set(gates("bias_hh"), 4 * hidden);
    parts.push(
      initializer(`w${l}`, [1, 4 * hidden, width], gates("weight_ih")),
      initializer(`r${l}`, [1, 4 * hidden, hidden], gates("weight_hh")),
      initializer(`b${l}`, [1, 8 * hidden], biases),
      node("LSTM", [`x${l}`, `w${l}`, `r${l}`, `b${l}`], [`y${l}`], integer("hidden_size", hidden)),
      node("Squeeze", [`y${l}`, "one"], [`x${l + 1}`]),
    );
  }
  parts.push(
    node("Transpose", ["output"], ["columns"], integers("perm", [1, 0])),
    node("MatMul", [`x${layers}`, "columns"], ["products"]),
    node("Add", ["products", "bias"], ["logits"]),
    node("LogSoftmax", ["logits"], ["all"], integer("axis", 2)),
    node("Unsqueeze", ["targets", "two"], ["places"]),
    node("GatherElements", ["all", "places"], ["scores"], integer("axis", 2)),
    text(2, "lines"),
  );
  return Buffer.concat([number(1, 8), bytes(7, ...parts), bytes(8, number(2, OPSET))]);
}
