import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Sha256, sha256 } from "../../src/formats/sha256.ts";

const text = (content: string) => new TextEncoder().encode(content);
const counted = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 167 + 13) & 255);
const expected = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

describe("Sha256", () => {
  it.each([
    ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ],
    ["a".repeat(1e6), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
  ])("gives the answers of FIPS 180-4 (case %#)", (message, digest) => {
    expect(sha256(text(message))).toBe(digest);
  });

  it("agrees with node:crypto on lengths 0 to 200", () => {
    for (let length = 0; length <= 200; length++)
      expect(sha256(counted(length)), `${length}`).toBe(expected(counted(length)));
  });

  it("agrees however the bytes are cut, and can be asked in between", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 150 }), { maxLength: 8 }), (pieces) => {
        const ours = new Sha256();
        const theirs = createHash("sha256");
        for (const piece of pieces) {
          ours.update(piece);
          theirs.update(piece);
          expect(ours.hex()).toBe(theirs.copy().digest("hex"));
        }
        expect(ours.hex()).toBe(theirs.digest("hex"));
      }),
    );
  });

  it("keeps several hashes apart, and no hold on its input", () => {
    const a = new Sha256();
    const b = new Sha256();
    const piece = counted(100);
    a.update(piece);
    b.update(piece.subarray(1, 50));
    piece.fill(0);
    expect(a.hex()).toBe(expected(counted(100)));
    expect(b.hex()).toBe(expected(counted(100).subarray(1, 50)));
  });
});
