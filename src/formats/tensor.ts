/** @module What a tensor of a file is: an element type, a shape, and a flat array in row-major order. */
import { formatError, shown } from "./scanner.ts";

/** The remedy for values that are not finite. */
export const DIVERGED = "Training had diverged when it was saved, or the file is damaged; use an earlier one";

/** The array that holds each element type. F16 and BF16 are raw bits; `toFloat32` reads them. */
export const ARRAYS = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
  I32: Int32Array,
  U32: Uint32Array,
  I16: Int16Array,
  U16: Uint16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

export type Dtype = keyof typeof ARRAYS;

/** Dimensions outermost first; `[]` is a scalar, a 0 makes the tensor empty. `data` has their product of elements. */
export type Tensor<D extends Dtype = Dtype> = {
  [K in D]: {
    readonly dtype: K;
    readonly shape: readonly number[];
    readonly data: InstanceType<(typeof ARRAYS)[K]>;
  };
}[D];

/** Own names only, so that a file's "constructor" is not an element type. */
export function isDtype(name: string): name is Dtype {
  return Object.hasOwn(ARRAYS, name);
}

/** Bytes per element. */
export function elementSize(dtype: Dtype): number {
  return ARRAYS[dtype].BYTES_PER_ELEMENT;
}

/** The number of elements of a shape, or null where it passes 2^53 − 1 on the way. */
export function elementCount(shape: readonly number[]): number | null {
  let count = 1;
  for (const dimension of shape) {
    count *= dimension;
    if (!Number.isSafeInteger(count)) return null;
  }
  return count;
}

/**
 * The values of a floating-point tensor, row-major. F32 gives its own array, without a copy; F16 and BF16 are
 * exact; F64 is rounded to nearest.
 *
 * @param name how errors call the tensor
 * @throws E_FORMAT for integers, for NaN and infinities, and for what is too large for float32
 */
export function toFloat32(name: string, tensor: Tensor): Float32Array {
  const values = converted(name, tensor);
  const at = indexOfNonFinite(values);
  if (at >= 0) {
    const value = tensor.dtype === "F64" ? tensor.data[at] : values[at];
    throw formatError(
      `Tensor ${shown(name)} of ${tensor.dtype} has the value ${value} at element ${at}, not a finite float32`,
      value,
      DIVERGED,
    );
  }
  return values;
}

function converted(name: string, tensor: Tensor): Float32Array {
  switch (tensor.dtype) {
    case "F32":
      return tensor.data;
    case "F64":
      return new Float32Array(tensor.data);
    case "BF16":
      return new Float32Array(Uint32Array.from(tensor.data, (bits) => bits << 16).buffer);
    case "F16":
      return Float32Array.from(tensor.data, halfToNumber);
    default:
      throw formatError(
        `Tensor ${shown(name)} has the type ${tensor.dtype}`,
        tensor.dtype,
        "Give a tensor of F32, F64, F16 or BF16",
      );
  }
}

const SMALLEST_HALF = 2 ** -24;
const floatBits = new Uint32Array(1);
const float = new Float32Array(floatBits.buffer);

function halfToNumber(half: number): number {
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  const sign = half & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * fraction * SMALLEST_HALF;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  floatBits[0] = ((exponent + 112) << 23) | (fraction << 13);
  return sign * float[0];
}

/** The first element that is NaN or infinite, or −1. Integers have none. */
export function firstNonFinite(tensor: Tensor): number {
  switch (tensor.dtype) {
    case "F32":
    case "F64":
      return indexOfNonFinite(tensor.data);
    case "F16":
      return tensor.data.findIndex((bits) => (bits & 0x7c00) === 0x7c00);
    case "BF16":
      return tensor.data.findIndex((bits) => (bits & 0x7f80) === 0x7f80);
    default:
      return -1;
  }
}

/** A search by the engine for each of the three, or a function called for each weight, takes several times as long. */
function indexOfNonFinite(values: Float32Array | Float64Array): number {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i;
  return -1;
}
