import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packed, unpacked } from "../../src/distributed/packing.ts";
import { StoredBlobs } from "../../src/distributed/store.ts";

const floats = (length: number, of: (i: number) => number) =>
  new Uint8Array(Float32Array.from({ length }, (_, i) => of(i)).buffer);

describe("a blob that is packed", () => {
  it("is the same again, of any length", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        const small = await packed(bytes);
        expect(await unpacked(small)).toEqual(bytes);
        // As files and Redis give it: a part of a larger buffer.
        const within = Buffer.concat([Buffer.from([1, 2, 3]), small]).subarray(3);
        expect(await unpacked(within)).toEqual(bytes);
      }),
    );
  });

  it("is smaller where it holds floats, and much smaller where most are zero", async () => {
    const dense = floats(50_000, (i) => Math.sin(i) / (1 + (i % 7)));
    const sparse = floats(50_000, (i) => (i % 50 === 0 ? Math.sin(i) : 0));
    expect((await packed(dense)).length / dense.length).toBeLessThan(0.9);
    expect((await packed(sparse)).length / sparse.length).toBeLessThan(0.2);
    for (const bytes of [dense, sparse])
      expect(Buffer.compare(await unpacked(await packed(bytes)), bytes)).toBe(0);
  });

  it("is refused as damaged wherever a byte of it was changed, or its end is missing", {
    timeout: 60_000,
  }, async () => {
    const bytes = floats(40, Math.sin);
    const whole = await packed(bytes);
    const kept = new Map<string, Uint8Array>();
    const blobs = new StoredBlobs({
      write: async (name, written) => void kept.set(name, written),
      read: async (name) => kept.get(name) ?? null,
      remove: async () => {},
    });
    const name = await blobs.put(bytes);
    for (let at = 0; at < whole.length; at++) {
      const spoilt = whole.slice();
      spoilt[at] ^= 0x55;
      for (const found of [spoilt, whole.slice(0, at)]) {
        kept.set(name, found);
        const error = await blobs.get(name).catch((reason) => reason);
        // Deflate's own bits of padding mean nothing.
        if (error instanceof Uint8Array) expect(error).toEqual(bytes);
        else expect(error).toMatchObject({ code: "E_STORE" });
      }
    }
  });
});
