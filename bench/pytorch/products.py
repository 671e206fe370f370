#!/usr/bin/python3
"""What PyTorch's own matrix product reaches on one thread at the products of models A and B, by vector width.

OPENBLAS_CORETYPE decides which of OpenBLAS's kernels run: SkylakeX 512 bits, Haswell 256 bits fused, Sandybridge
256 bits, Nehalem 128 bits; without it OpenBLAS chooses by the processor.

    /usr/bin/python3 bench/pytorch/products.py [--core Nehalem] [--seconds 0.4]
"""

import argparse
import json
import os
import time

parser = argparse.ArgumentParser()
parser.add_argument("--core")
parser.add_argument("--seconds", type=float, default=0.4)
given = parser.parse_args()
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
if given.core:
    os.environ["OPENBLAS_CORETYPE"] = given.core

import torch

PRODUCTS = {
    "A recurrent": (20, 1024, 256),
    "A inputs of layer 2": (700, 1024, 256),
    "A weight gradient": (1024, 256, 700),
    "B logits": (700, 10_000, 200),
    "B logits, back": (700, 200, 10_000),
    "B logits, weight gradient": (10_000, 200, 700),
}


def gflops(m, n, k):
    a, b = torch.randn(m, k), torch.randn(n, k).t()
    out = torch.empty(m, n)
    times = max(1, int(2e8 / (2 * m * n * k)))
    taken, until = [], time.perf_counter() + given.seconds
    while time.perf_counter() < until or len(taken) < 5:
        started = time.perf_counter()
        for _ in range(times):
            torch.mm(a, b, out=out)
        taken.append((time.perf_counter() - started) / times)
    return 2 * m * n * k / sorted(taken)[len(taken) // 2] / 1e9


torch.set_num_threads(1)
rows = {name: round(gflops(*shape), 1) for name, shape in PRODUCTS.items()}
print(json.dumps({"core": given.core, "torch": torch.__version__, "gflops": rows}))
