/** @module Named arrays and lists of numbers as one safetensors file: what travels between jobs besides models. */
import { readSafetensors, type Tensor, toFloat32, writeSafetensors } from "../formats/safetensors.ts";

export type Arrays = ReadonlyMap<string, Float32Array>;
export type Lists = Readonly<Record<string, number[]>>;

export function arraysToBytes(arrays: Arrays, lists: Lists = {}): Uint8Array {
  const tensors = new Map<string, Tensor>();
  for (const [name, values] of arrays)
    tensors.set(name, { dtype: "F32", shape: [values.length], data: values as Float32Array<ArrayBuffer> });
  return writeSafetensors(tensors, { lists: JSON.stringify(lists) });
}

export function arraysFromBytes(bytes: Uint8Array): { arrays: Map<string, Float32Array>; lists: Lists } {
  const { tensors, metadata } = readSafetensors(bytes);
  const arrays = new Map([...tensors].map(([name, tensor]) => [name, toFloat32(name, tensor)]));
  return { arrays, lists: JSON.parse(metadata.lists) };
}
