/** Our names, shapes and gate order are PyTorch's: a file of ours loads into nn.LSTM and gives the same states. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Tensor, writeSafetensors } from "../../src/formats/safetensors.ts";
import { randomNumbers } from "../support/random.ts";

const PYTHON = "/usr/bin/python3";
const [INPUTS, HIDDEN, STEPS] = [3, 4, 5];

const SCRIPT = `
import json, struct, sys
import torch
data = open(sys.argv[1], "rb").read()
start = 8 + struct.unpack("<Q", data[:8])[0]
header = json.loads(data[8:start])
def tensor(name):
    begin, end = header[name]["data_offsets"]
    flat = torch.frombuffer(bytearray(data[start + begin:start + end]), dtype=torch.float32)
    return flat.reshape(header[name]["shape"])
lstm = torch.nn.LSTM(${INPUTS}, ${HIDDEN})
names = [name for name in header if name.startswith("lstm.")]
lstm.load_state_dict({name[5:]: tensor(name) for name in names}, strict=True)
print(json.dumps(lstm(tensor("inputs"))[0].tolist()))
`;

/** The hidden states [STEPS][HIDDEN], in float64, gates in the order i, f, g, o. */
function hiddenStates(values: (name: string) => Float32Array): number[][] {
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  let h = new Array<number>(HIDDEN).fill(0);
  const c = new Array<number>(HIDDEN).fill(0);
  return Array.from({ length: STEPS }, (_, t) => {
    const gate = (row: number) => {
      let sum = values("lstm.bias_ih_l0")[row] + values("lstm.bias_hh_l0")[row];
      for (let k = 0; k < INPUTS; k++)
        sum += values("lstm.weight_ih_l0")[row * INPUTS + k] * values("inputs")[t * INPUTS + k];
      for (let k = 0; k < HIDDEN; k++) sum += values("lstm.weight_hh_l0")[row * HIDDEN + k] * h[k];
      return sum;
    };
    h = c.map((cell, k) => {
      const [i, f, g, o] = [0, 1, 2, 3].map((n) => gate(n * HIDDEN + k));
      c[k] = sigmoid(f) * cell + sigmoid(i) * Math.tanh(g);
      return sigmoid(o) * Math.tanh(c[k]);
    });
    return h;
  });
}

function hasTorch(): boolean {
  try {
    execFileSync(PYTHON, ["-c", "import torch"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

test("nn.LSTM takes a file of ours, strictly, and computes the same", { timeout: 60_000 }, (context) => {
  if (!hasTorch()) context.skip(`${PYTHON} with torch is missing`);
  const random = randomNumbers(3);
  const shapes: Record<string, number[]> = {
    "lstm.weight_ih_l0": [4 * HIDDEN, INPUTS],
    "lstm.weight_hh_l0": [4 * HIDDEN, HIDDEN],
    "lstm.bias_ih_l0": [4 * HIDDEN],
    "lstm.bias_hh_l0": [4 * HIDDEN],
    inputs: [STEPS, INPUTS],
  };
  const tensors = new Map<string, Tensor<"F32">>();
  for (const [name, shape] of Object.entries(shapes)) {
    const length = shape.reduce((product, d) => product * d, 1);
    tensors.set(name, { dtype: "F32", shape, data: Float32Array.from({ length }, () => 2 * random() - 1) });
  }
  const folder = mkdtempSync(join(tmpdir(), "svi-lstm-"));
  try {
    const path = join(folder, "model.safetensors");
    writeFileSync(path, writeSafetensors(tensors, {}));
    const theirs: number[][] = JSON.parse(execFileSync(PYTHON, ["-c", SCRIPT, path], { encoding: "utf8" }));
    const ours = hiddenStates((name) => tensors.get(name)!.data);
    expect(theirs.length).toBe(STEPS);
    for (let t = 0; t < STEPS; t++)
      for (let k = 0; k < HIDDEN; k++) expect(theirs[t][k]).toBeCloseTo(ours[t][k], 5);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
