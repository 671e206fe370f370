/** @module A file for the visitor. */

export function download(bytes: Blob, name: string): void {
  const address = URL.createObjectURL(bytes);
  const link = document.createElement("a");
  link.href = address;
  link.download = `${name.replace(/[^\p{L}\p{N} _-]/gu, "").trim() || "model"}.safetensors`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
