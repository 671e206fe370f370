import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { writeFileAtomically } from "../../src/formats/file.ts";
import { type Tensor, writeSafetensors } from "../../src/formats/safetensors.ts";

const PYTHON = "/usr/bin/python3";
const folder = mkdtempSync(join(tmpdir(), "svi-python-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function hasTorch(): boolean {
  try {
    execFileSync(PYTHON, ["-c", "import numpy, torch"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

describe("a reader in Python", () => {
  it("finds the tensors that were written", { timeout: 60_000 }, async (context) => {
    if (!hasTorch()) context.skip(`${PYTHON} with numpy and torch is missing`);
    const path = join(folder, "model.safetensors");
    const tensors = new Map<string, Tensor>([
      [
        'weight \u{1f600} "q"',
        { dtype: "F32", shape: [2, 3], data: Float32Array.of(0.5, -1, 2 ** -149, 3, 4, 5e9) },
      ],
      ["scalar", { dtype: "F64", shape: [], data: Float64Array.of(0.1) }],
      ["half", { dtype: "F16", shape: [2], data: Uint16Array.of(0x3c00, 0xc000) }],
      ["brain", { dtype: "BF16", shape: [2], data: Uint16Array.of(0x3f80, 0xc000) }],
      ["step", { dtype: "I64", shape: [1], data: BigInt64Array.of(-(2n ** 62n)) }],
      ["large", { dtype: "U64", shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) }],
      ["odd", { dtype: "U8", shape: [3, 1], data: Uint8Array.of(1, 2, 255) }],
      ["int", { dtype: "I32", shape: [2], data: Int32Array.of(-5, 6) }],
      ["word", { dtype: "U32", shape: [1], data: Uint32Array.of(4294967295) }],
      ["empty", { dtype: "F32", shape: [0, 4], data: new Float32Array(0) }],
    ]);
    await writeFileAtomically(path, writeSafetensors(tensors, { format: "svi-lm", text: "ä\n" }));
    const script = fileURLToPath(new URL("./read_safetensors.py", import.meta.url));
    const found = JSON.parse(execFileSync(PYTHON, [script, path], { encoding: "utf8" }));
    expect(found.__metadata__).toEqual({ format: "svi-lm", text: "ä\n" });
    expect(found.aligned).toBe(true);
    const halves: Record<string, number[]> = { half: [1, -2], brain: [1, -2] };
    for (const [name, { shape, data }] of tensors) {
      expect(found[name].shape, name).toEqual(shape);
      const expected: (number | bigint)[] = halves[name] ?? [...data];
      const exact = typeof expected[0] === "bigint" ? BigInt : Number;
      expect(found[name].values.map(exact), name).toEqual(expected);
    }
    expect(Object.keys(found).length).toBe(tensors.size + 2);
  });
});
