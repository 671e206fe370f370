#!/usr/bin/python3
"""Measures how many tokens a second PyTorch trains the same LSTM language model on a CPU.

    /usr/bin/python3 bench/pytorch/train.py --threads 1

Prints one JSON line. README.md says what is measured and how to read it.
"""

import argparse
import json
import os
import statistics
import sys
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
for flag, default in (
    ("threads", 1), ("vocabulary", 96), ("embedding", 128), ("hidden", 256), ("layers", 2),
    ("batch", 20), ("sequence", 35), ("seed", 1),
):
    parser.add_argument(f"--{flag}", type=int, default=default)
parser.add_argument("--seconds", type=float, default=10)
parser.add_argument("--optimiser", choices=("adam", "sgd"), default="adam")
parser.add_argument("--clip", type=float, default=0.25)
options = parser.parse_args()

# OpenBLAS has threads of its own, counted once when it is loaded: set before torch is imported.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = str(options.threads)

from blas import blas, require_wide_kernels

require_wide_kernels()

import torch
from torch import nn


class LanguageModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(options.vocabulary, options.embedding)
        self.lstm = nn.LSTM(options.embedding, options.hidden, options.layers)
        self.output = nn.Linear(options.hidden, options.vocabulary)

    def forward(self, inputs, state):
        hidden, state = self.lstm(self.embedding(inputs), state)
        return self.output(hidden), state


def main():
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)  # or untouched rows slow Adam down, after long runs
    model = LanguageModel()
    parameters = list(model.parameters())
    if options.optimiser == "adam":
        optimiser = torch.optim.Adam(parameters, lr=2e-3)
    else:
        optimiser = torch.optim.SGD(parameters, lr=0.1, momentum=0.9)
    text = torch.randint(options.vocabulary, (64 * options.sequence + 1, options.batch))
    size = (options.layers, options.batch, options.hidden)
    state = (torch.zeros(size), torch.zeros(size))
    position = 0

    def step():
        nonlocal state, position
        inputs = text[position : position + options.sequence]
        targets = text[position + 1 : position + options.sequence + 1]
        position = (position + options.sequence) % (len(text) - 1)
        optimiser.zero_grad(set_to_none=True)
        logits, after = model(inputs, state)
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, options.clip)
        optimiser.step()
        state = tuple(part.detach() for part in after)
        return loss.item()  # read every step, as a training loop that reports does

    begun = time.perf_counter()  # warm up: a tenth of the time, three steps at least
    steps = 0
    while steps < 3 or time.perf_counter() - begun < options.seconds / 10:
        step()
        steps += 1
    per_block = max(1, round(0.25 / ((time.perf_counter() - begun) / steps)))

    blocks, begun = [], time.perf_counter()
    while not blocks or time.perf_counter() - begun < options.seconds:
        start = time.perf_counter()
        for _ in range(per_block):
            loss = step()
        blocks.append((time.perf_counter() - start) / per_block)
    assert loss == loss, "the loss is not a number"

    tokens = options.batch * options.sequence
    median = statistics.median(blocks)
    print(json.dumps({
        "peer": "pytorch",
        "version": torch.__version__,
        "threads": torch.get_num_threads(),
        "tokensPerSecond": round(tokens / median, 1),
        "millisecondsPerStep": round(median * 1e3, 4),
        "fastestMillisecondsPerStep": round(min(blocks) * 1e3, 4),
        "slowestMillisecondsPerStep": round(max(blocks) * 1e3, 4),
        "blocks": len(blocks),
        "stepsPerBlock": per_block,
        "parameters": sum(p.numel() for p in parameters),
        "configuration": {k: v for k, v in vars(options).items() if k not in ("threads", "seconds")},
        "blas": blas(),
        "cpu": torch.backends.cpu.get_cpu_capability() if hasattr(torch.backends, "cpu") else None,
        "python": sys.version.split()[0],
    }))


if __name__ == "__main__":
    main()
