#!/usr/bin/python3
"""PyTorch as a measured process of bench/peers.ts: says that it is ready, then times a block for every line sent.

    /usr/bin/python3 bench/pytorch/serve.py '{"task":"train-A","threads":"1","shape":{…}}'
"""

import json
import os
import sys
import time

given = json.loads(sys.argv[1])
threads = int(given.get("threads", "1"))
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = str(threads)

from blas import blas, require_wide_kernels

require_wide_kernels()

import torch
from torch import nn

BLOCK = 0.7


class LanguageModel(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.embedding = nn.Embedding(shape["vocabulary"], shape["embedding"])
        self.lstm = nn.LSTM(shape["embedding"], shape["hidden"], shape["layers"])
        self.output = nn.Linear(shape["hidden"], shape["vocabulary"])

    def forward(self, inputs, state):
        hidden, state = self.lstm(self.embedding(inputs), state)
        return self.output(hidden), state


def training(model, shape):
    parameters = list(model.parameters())
    optimiser = torch.optim.Adam(parameters, lr=2e-3)
    sequence, batch = shape["sequence"], shape["batch"]
    text = torch.randint(shape["vocabulary"], (64 * sequence + 1, batch))
    size = (shape["layers"], batch, shape["hidden"])
    state, position = (torch.zeros(size), torch.zeros(size)), 0

    def step():
        nonlocal state, position
        inputs = text[position : position + sequence]
        targets = text[position + 1 : position + sequence + 1]
        position = (position + sequence) % (len(text) - 1)
        optimiser.zero_grad(set_to_none=True)
        logits, after = model(inputs, state)
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 0.25)
        optimiser.step()
        state = tuple(part.detach() for part in after)
        return loss.item()

    return step


def prediction(model, shape, samples):
    model.eval()
    size = (shape["layers"], 1, shape["hidden"])
    states = [(torch.zeros(size), torch.zeros(size)) for _ in range(samples)]
    token = torch.zeros((1, 1), dtype=torch.long)

    def step():
        with torch.inference_mode():
            total = 0
            for i in range(samples):
                logits, states[i] = model(token, states[i])
                total = total + torch.softmax(logits[0, 0], 0)
            token[0, 0] = (token[0, 0] * 31 + 7) % shape["vocabulary"]
        return total

    return step


def resident():
    """Bytes of memory that the process occupies now."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def timed(times, run):
    started = time.perf_counter()
    for _ in range(times):
        run()
    return time.perf_counter() - started


def main():
    torch.manual_seed(1)
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    task, shape = given["task"], given["shape"]
    model = LanguageModel(shape)
    if task.startswith("predict"):
        run = prediction(model, shape, 16 if task.startswith("predict16") else 1)
    else:
        run = training(model, shape)
    times, rounds, seconds = 1, 0, 0.0
    while rounds < 3 or seconds < BLOCK / 2:
        if rounds >= 3:
            times *= 2
        seconds = timed(times, run)
        rounds += 1
    print(json.dumps({"ready": True, "version": " ".join([torch.__version__, *blas()])}), flush=True)
    for _ in sys.stdin:
        count, seconds = 0, 0.0
        while seconds < BLOCK:
            seconds += timed(times, run)
            count += times
        print(json.dumps({"seconds": seconds / count, "bytes": resident()}), flush=True)


main()
