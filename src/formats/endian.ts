/** @module Files and hashes are little-endian; typed arrays are whatever the host is. */

type NumericArray = {
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: number;
  readonly byteLength: number;
  readonly BYTES_PER_ELEMENT: number;
};

const HOST_IS_LITTLE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** The elements as little-endian bytes: a view where the host is little-endian, else a copy. */
export function littleEndianBytes(array: NumericArray, hostIsLittle = HOST_IS_LITTLE): Uint8Array {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  return hostIsLittle ? bytes : reversedElements(bytes, array.BYTES_PER_ELEMENT);
}

/** Little-endian bytes as the host has them: the same bytes, or a copy with each element reversed. */
export function hostBytes(bytes: Uint8Array, elementSize: number, hostIsLittle = HOST_IS_LITTLE): Uint8Array {
  return hostIsLittle ? bytes : reversedElements(bytes, elementSize);
}

function reversedElements(bytes: Uint8Array, elementSize: number): Uint8Array {
  const copy = new Uint8Array(bytes);
  if (elementSize === 1) return copy;
  for (let start = 0; start < copy.length; start += elementSize)
    copy.subarray(start, start + elementSize).reverse();
  return copy;
}
