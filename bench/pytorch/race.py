#!/usr/bin/python3
"""PyTorch's side of bench/race.ts: trains by one method on given tokens from given weights, in turns.

    /usr/bin/python3 bench/pytorch/race.py FOLDER

FOLDER holds job.json, weights.bin (float32) and train.bin, valid.bin (int32). Says that it is ready, then trains for as
many seconds as every line sent says and answers with the validation points since. Validation is not on the clock.
"""

import json
import math
import os
import sys
import time

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

from blas import blas, require_wide_kernels

require_wide_kernels()

import numpy as np
import torch
from torch import nn

folder = sys.argv[1]
with open(os.path.join(folder, "job.json")) as file:
    job = json.load(file)
shape, setting = job["shape"], job["setting"]
method = setting["method"]
VALIDATED_AT_ONCE = 256


def read(name, kind):
    return torch.from_numpy(np.fromfile(os.path.join(folder, name), dtype=kind))


class LanguageModel(nn.Module):
    def __init__(self):
        super().__init__()
        widths = [shape["embedding"]] + [shape["hidden"]] * shape["layers"]
        self.embedding = nn.Embedding(job["vocabulary"], widths[0])
        self.lstm = nn.ModuleList([nn.LSTM(a, b) for a, b in zip(widths, widths[1:])])
        self.output = nn.Linear(shape["hidden"], job["vocabulary"])

    def forward(self, inputs, states, dropout=0.0):
        """Dropout has one mask a lane and window (Gal and Ghahramani 2016)."""
        x, after = dropped(self.embedding(inputs), dropout), []
        for layer, state in zip(self.lstm, states):
            x, state = layer(x, state)
            x = dropped(x, dropout)
            after.append(tuple(part.detach() for part in state))
        return self.output(x), after

    def beginning(self, batch):
        return [tuple(torch.zeros(1, batch, shape["hidden"]) for _ in "hc") for _ in self.lstm]


def dropped(x, rate):
    if rate == 0:
        return x
    return x * (torch.rand(1, x.shape[1], x.shape[2]) < 1 - rate).float() / (1 - rate)


def first_weights(model):
    flat = read("weights.bin", np.float32)
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for tensor in job["tensors"]:
            name = tensor["name"]
            if name.startswith("lstm."):
                kind, layer = name.rsplit("_l", 1)
                name = f"lstm.{layer}.{kind.split('.')[1]}_l0"
            at, size = tensor["offset"], math.prod(tensor["shape"])
            parameters[name].copy_(flat[at : at + size].reshape(tensor["shape"]))


def optimiser_of(model):
    """As svi-lm describes its methods: a prior pulls at weights alone, AdamW's decay at everything."""
    prior = method.get("prior")
    pull = 1 / (job["lambda"] * prior["scale"] ** 2) if prior else 0.0
    weights = [p for name, p in model.named_parameters() if "bias" not in name]
    biases = [p for name, p in model.named_parameters() if "bias" in name]
    groups = [{"params": weights, "weight_decay": pull}, {"params": biases, "weight_decay": 0.0}]
    lr = method["learningRate"]
    if method["kind"] == "sgd":
        return torch.optim.SGD(groups, lr=lr, momentum=method["momentum"])
    adam = {"lr": lr, "betas": (method["beta1"], method["beta2"]), "eps": method["epsilon"]}
    if method["kind"] == "adam":
        return torch.optim.Adam(groups, **adam)
    return torch.optim.AdamW(model.parameters(), **adam, weight_decay=method["weightDecay"])


class Run:
    def __init__(self):
        torch.manual_seed(job["seed"])
        self.model, self.averaged = LanguageModel(), LanguageModel()
        first_weights(self.model)
        self.optimiser = optimiser_of(self.model)
        batch, sequence = shape["batch"], shape["sequence"]
        lanes = read("train.bin", np.int32).long()
        # Every lane is an unbroken part of the text.
        length = (len(lanes) - 1) // batch
        self.inputs = lanes[: batch * length].reshape(batch, length).t().contiguous()
        self.targets = lanes[1 : batch * length + 1].reshape(batch, length).t().contiguous()
        self.windows = length // sequence
        self.valid = read("valid.bin", np.int32).long()
        self.steps = max(1, round(setting["tokens"] / (batch * sequence)))
        self.every = max(1, self.steps // setting["points"])
        self.step, self.seconds, self.power, self.state = 0, 0.0, 1.0, None

    @property
    def done(self):
        return self.step >= self.steps

    def turn(self, seconds):
        """Trains for so long. Returns [seconds, tokens, nll] of the points on the way."""
        points, until = [], self.seconds + seconds
        while self.seconds < until and not self.done:
            begun = time.perf_counter()
            self.train()
            self.seconds += time.perf_counter() - begun
            if self.step % self.every == 0 or self.done:
                tokens = self.step * shape["batch"] * shape["sequence"]
                points.append([self.seconds, tokens, self.validate()])
        return points

    def train(self):
        rate = method["learningRate"] * 0.5 * (1 + math.cos(math.pi * self.step / self.steps))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        at = self.step % self.windows * shape["sequence"]
        if at == 0:
            self.state = self.model.beginning(shape["batch"])
        window = slice(at, at + shape["sequence"])
        self.optimiser.zero_grad(set_to_none=True)
        logits, self.state = self.model(self.inputs[window], self.state, setting.get("dropout", 0.0))
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), self.targets[window].flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), method["clip"] if method["clip"] else math.inf)
        self.optimiser.step()
        self.step += 1
        self.average()
        return loss.item()

    def average(self):
        decay = setting.get("average")
        if decay is None:
            return
        self.power *= decay
        weight = (1 - decay) / (1 - self.power)
        with torch.no_grad():
            for mean, parameter in zip(self.averaged.parameters(), self.model.parameters()):
                mean.lerp_(parameter, weight)

    def validate(self):
        model = self.model if setting.get("average") is None else self.averaged
        total, state = 0.0, model.beginning(1)
        with torch.no_grad():
            for at in range(0, len(self.valid) - 1, VALIDATED_AT_ONCE):
                piece = self.valid[at : at + VALIDATED_AT_ONCE + 1].unsqueeze(1)
                logits, state = model(piece[:-1], state)
                total += nn.functional.cross_entropy(logits.flatten(0, 1), piece[1:, 0], reduction="sum").item()
        return total / (len(self.valid) - 1)


def main():
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    run = Run()
    say = lambda value: print(json.dumps(value), flush=True)
    say({"ready": True, "version": " ".join(["PyTorch", torch.__version__, *blas()])})
    for line in sys.stdin:
        points = run.turn(float(line))
        say({"points": points, "done": run.done})


main()
