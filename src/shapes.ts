/** @module What a value is, by what it can do: no value of another realm (a frame, a test environment) is an instance. */

/** The bytes of an array of bytes or a buffer, not a copy; null for anything else, arrays of larger numbers included. */
export function bytesIn(value: unknown): Uint8Array<ArrayBuffer> | null {
  const { BYTES_PER_ELEMENT = 1 } = (value ?? {}) as Partial<Uint8Array>;
  return BYTES_PER_ELEMENT === 1 ? memoryOf(value) : null;
}

/** The bytes of any view or buffer, not a copy; null for anything else. */
export function memoryOf(value: unknown): Uint8Array<ArrayBuffer> | null {
  if (ArrayBuffer.isView(value)) {
    if (Object.getPrototypeOf(value) === Uint8Array.prototype) return value as Uint8Array<ArrayBuffer>;
    return new Uint8Array(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength);
  }
  return ["ArrayBuffer", "SharedArrayBuffer"].includes(tagOf(value))
    ? new Uint8Array(value as ArrayBuffer)
    : null;
}

export function isBlob(value: unknown): value is Blob {
  const blob = value as Partial<Blob> | null | undefined;
  if (typeof blob?.slice !== "function" || typeof blob.size !== "number") return false;
  return typeof blob.arrayBuffer === "function" || ["Blob", "File"].includes(tagOf(value));
}

/** All of a Blob or its like, also where it knows only the older way, as jsdom's does. */
export async function bytesOfBlob(blob: Blob | Pick<Blob, "arrayBuffer">): Promise<Uint8Array> {
  if (typeof blob.arrayBuffer === "function") return new Uint8Array(await blob.arrayBuffer());
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(new Uint8Array(reader.result as ArrayBuffer));
    reader.onerror = () => reject(reader.error);
    reader.readAsArrayBuffer(blob as Blob);
  });
}

export function isResponse(value: unknown): value is Response {
  const response = value as Partial<Response> | null | undefined;
  return typeof response?.arrayBuffer === "function" && typeof response.ok === "boolean";
}

/** The name of the class that made a value, in whatever realm. */
export function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}

/** What an error says; what is thrown may be anything, also what makes no text of itself. */
export function messageOf(error: unknown): string {
  const { message } = (error ?? {}) as { message?: unknown };
  if (typeof message === "string") return message;
  return typeof error === "object" && error !== null ? tagOf(error) : String(error);
}

/** Freezes plain data to its depth: what is given out and read by others stays as it is. */
export function frozen<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === "object" && part !== null) frozen(part);
  return Object.freeze(value);
}
