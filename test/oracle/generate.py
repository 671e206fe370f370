#!/usr/bin/python3
"""Writes test/oracle/dumps: forward, gradients and optimiser steps of PyTorch in float64.

    /usr/bin/python3 test/oracle/generate.py

Needs torch and numpy (Debian: python3-torch, python3-numpy). Everything follows from SEED: a second run on
the same machine writes the same bytes; another BLAS may change the last bits of the answers. Inputs are
float32 numbers, so that both sides start from the same values. Beside the float64 run each case is run in
float32; the largest difference is printed, as a guide to tolerances. README.md describes files and formulas.
"""

import json
import math
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import numpy as np
import torch
from torch import nn

import dump
import philox
import reference as ref

SEED = 20260229
DUMPS = Path(__file__).parent / "dumps"
STEPS = 10


class Inputs:
    """Float32 and Int32 inputs of one case. Uniforms only: their bits do not depend on numpy's version."""

    def __init__(self, case):
        self.random = np.random.Generator(np.random.PCG64(np.random.SeedSequence([SEED, case])))

    def uniform(self, shape, low, high):
        return (low + (high - low) * self.random.random(shape)).astype(np.float32)

    def tokens(self, shape, vocabulary):
        """Squared uniforms: low ids are frequent, high ids rare or absent, as in text."""
        return np.floor(self.random.random(shape) ** 2 * vocabulary).astype(np.int32)

    def ranges(self, shape):
        """[T,B] each: for each position a range of those before it, some of them empty."""
        times = np.arange(shape[0])[:, None]
        first = np.floor(self.random.random(shape) * (times + 1)).astype(np.int32)
        return first, np.floor(first + self.random.random(shape) * (times - first + 1)).astype(np.int32)

    def weights(self, vocabulary, embedding, hidden, layers, tied, cutoffs=None, cell="lstm", span=None):
        bound = 1 / math.sqrt(hidden)
        model = ref.LanguageModel(vocabulary, embedding, hidden, layers, tied, cutoffs, cell, span)
        return {
            name: self.uniform(tuple(p.shape), *((-1, 1) if name == "embedding.weight" else (-bound, bound)))
            for name, p in model.named_parameters()
        }


def prefixed(prefix, weights):
    return {f"{prefix}/{name}": np.asarray(value) for name, value in weights.items()}


def layout_metadata(weights):
    offsets, length = ref.layout({name: torch.as_tensor(w) for name, w in weights.items()})
    return {"offsets": json.dumps(offsets), "length": length}


def report(name, size, float64, float32):
    """Largest absolute difference of the float32 run, by the first part of the tensor's name."""
    worst = {}
    for key, exact in float64.items():
        group = key.rsplit("/", 1)[0]
        difference = np.abs(float32[key].astype(np.float64) - exact).max()
        scale = np.abs(exact).max()
        worst[group] = tuple(max(pair) for pair in zip(worst.get(group, (0, 0)), (difference, scale)))
    print(f"{name}: {size} bytes; float32 differs by at most (of)")
    print("   " + ", ".join(f"{group} {d:.1e} ({s:.1e})" for group, (d, s) in worst.items()))


# ---- forward, loss and gradients ----------------------------------------------------------------------------

MODELS = {
    "model-tiny": dict(vocabulary=13, embedding=5, hidden=7, layers=1, tied=False, sequence=6, batch=3, state=False),
    "model-two-layers": dict(vocabulary=29, embedding=10, hidden=12, layers=2, tied=False, sequence=9, batch=5, state=True),
    "model-tied": dict(vocabulary=17, embedding=8, hidden=8, layers=2, tied=True, sequence=7, batch=4, state=False),
    "model-deep": dict(vocabulary=11, embedding=6, hidden=5, layers=4, tied=False, sequence=8, batch=2, state=True),
    "model-larger": dict(vocabulary=96, embedding=24, hidden=48, layers=2, tied=False, sequence=12, batch=6, state=True),
    "model-adaptive": dict(vocabulary=43, embedding=6, hidden=20, layers=1, tied=False, cutoffs=[7, 19], sequence=9, batch=5, state=True),
}
# By themselves: what others draw depends on their places.
GRUS = {
    "model-gru": dict(vocabulary=19, embedding=9, hidden=11, layers=1, tied=False, cell="gru", sequence=8, batch=4, state=True),
    "model-gru-two-layers": dict(vocabulary=23, embedding=12, hidden=14, layers=2, tied=False, cell="gru", sequence=7, batch=5, state=True),
}
PROJECTIONS = {
    "model-projection": dict(vocabulary=17, embedding=6, hidden=10, layers=2, tied=True, sequence=7, batch=4, state=True),
    "model-projection-gru": dict(vocabulary=9, embedding=13, hidden=8, layers=1, tied=True, cell="gru", sequence=6, batch=3, state=True),
}
ATTENTION = {
    "model-attention": dict(vocabulary=21, embedding=7, hidden=18, layers=1, tied=False, span=4, sequence=9, batch=4, state=True),
    "model-attention-ranges": dict(vocabulary=17, embedding=9, hidden=9, layers=2, tied=True, span=8, ranges=True, sequence=8, batch=5, state=False),
    "model-attention-adaptive": dict(vocabulary=43, embedding=6, hidden=20, layers=1, tied=False, cutoffs=[7, 19], cell="gru", span=6, sequence=6, batch=3, state=True),
}
SHAPE = ("vocabulary", "embedding", "hidden", "layers", "tied", "cutoffs", "cell", "span")


def model_case(index, name, config):
    inputs = Inputs(index)
    shape = {key: config[key] for key in SHAPE if key in config}
    weights = inputs.weights(**shape)
    size = (config["sequence"], config["batch"])
    tokens, targets = inputs.tokens(size, config["vocabulary"]), inputs.tokens(size, config["vocabulary"])
    reach = 0.75 if config["state"] else 0.0
    state_size = (config["layers"], config["batch"], config["hidden"])
    state = inputs.uniform(state_size, -reach, reach), inputs.uniform(state_size, -2 * reach, 2 * reach)
    ranges = inputs.ranges(size) if config.get("ranges") else None

    def run(dtype):
        model = ref.LanguageModel(**shape, dtype=dtype)
        logits, nll, loss, gradients, (h, c) = model.evaluate(
            ref.to_tensors(weights, dtype),
            torch.tensor(tokens.astype(np.int64)),
            torch.tensor(targets.astype(np.int64)),
            tuple(torch.tensor(part, dtype=dtype) for part in state),
            ranges and tuple(torch.tensor(part.astype(np.int64)) for part in ranges),
        )
        answers = {"loss": np.array([loss]), "nll": nll.numpy(), "final/h": h.numpy(), "final/c": c.numpy()}
        if name != "model-larger":
            answers["logits"] = logits.numpy()
        return {**answers, **prefixed("gradients", gradients)}

    answers = run(torch.float64)
    tensors = {
        "inputs": tokens, "targets": targets, "initial/h": state[0], "initial/c": state[1],
        **prefixed("parameters", weights), **answers, **(dict(zip(("from", "to"), ranges)) if ranges else {}),
    }
    metadata = {"case": name, **{k: json.dumps(v) for k, v in config.items() if k != "state"}, **layout_metadata(weights)}
    size = dump.write(DUMPS / f"{name}.safetensors", tensors, metadata)
    report(name, size, answers, run(torch.float32))


# ---- ten optimiser steps ------------------------------------------------------------------------------------

TRAIN = dict(vocabulary=13, embedding=6, hidden=8, layers=2, tied=False)
TIME, BATCH = 5, 4
CLIP = 0.25

ADAM = dict(beta1=0.9, beta2=0.999, epsilon=1e-8)
BBB = dict(optimiser="bayes-by-backprop", lr=0.02, lambda_=1000.0, seed=7, **ADAM)
IVON = dict(optimiser="ivon", lr=1.0, lambda_=1000.0, prior_sd=0.8, mean_h0=0.003, beta1=0.9, beta2=0.99, seed=42)

OPTIMISERS = {
    "sgd": dict(optimiser="sgd", lr=0.5, momentum=0.9),
    "sgd-clip": dict(optimiser="sgd", lr=0.5, momentum=0.9, clip=CLIP),
    "adam": dict(optimiser="adam", lr=0.01, **ADAM),
    "adam-clip": dict(optimiser="adam", lr=0.01, clip=CLIP, **ADAM),
    "bbb-gaussian": dict(**BBB, prior="gaussian", prior_sd=0.5),
    "bbb-mixture": dict(**BBB, prior="mixture", pi=0.25, sd1=math.exp(-1), sd2=math.exp(-3)),
    "ivon": dict(**IVON),
    "ivon-clip": dict(**IVON, clip=CLIP),
    "ivon-clamp": dict(**IVON, clip=CLIP, clamp=True),
    "ivon-particles": dict(**{**IVON, "seed": 2**32 + 42}, clip=CLIP, particles=2),
    "adamw": dict(optimiser="adamw", lr=0.01, weight_decay=0.5, **ADAM),
    "adamw-clip": dict(optimiser="adamw", lr=0.01, weight_decay=0.5, clip=CLIP, **ADAM),
    "ivon-noiseless": dict(**IVON, clip=CLIP, noise=False, tokens=TIME * BATCH),
}


def training_stream(inputs):
    """[STEPS,T,B] inputs and the same moved on by one: each of the B lanes is one unbroken text."""
    lanes = inputs.tokens((STEPS * TIME + 1, BATCH), TRAIN["vocabulary"])
    cut = lambda rows: np.ascontiguousarray(rows.reshape(STEPS, TIME, BATCH))
    return cut(lanes[:-1]), cut(lanes[1:])


def make_optimiser(config, dtype, weights, extra):
    c = {k: v for k, v in config.items() if k not in ("optimiser", "prior", "clamp", "epsilon")}
    w = ref.to_tensors(weights, dtype)
    if config["optimiser"] == "sgd":
        return ref.Sgd(w, **c)
    if config["optimiser"] == "adam":
        return ref.Adam(w, c["lr"], c.get("clip", math.inf))
    if config["optimiser"] == "adamw":
        return ref.AdamW(w, c["lr"], c["weight_decay"], c.get("clip", math.inf))
    if config["optimiser"] == "bayes-by-backprop":
        gaussian = config["prior"] == "gaussian"
        prior = ref.GaussianPrior(c["prior_sd"]) if gaussian else ref.MixturePrior(c["pi"], c["sd1"], c["sd2"])
        return ref.BayesByBackprop(w, ref.to_tensors(extra["rho"], dtype), c["lr"], c["lambda_"], prior, c["seed"])
    deviation = {k: float(v[0]) for k, v in extra["gradientDeviation"].items()} if config.get("clamp") else None
    return ref.Ivon(w, {k: float(v[0]) for k, v in extra["hessian"].items()}, deviation=deviation, **c)


def train(config, dtype, weights, extra, tokens, targets):
    """STEPS updates. Returns tensors after the first and the last, per-step records and carried states."""
    model = ref.LanguageModel(**TRAIN, dtype=dtype)
    optimiser = make_optimiser(config, dtype, weights, extra)
    state = tuple(torch.zeros(TRAIN["layers"], BATCH, TRAIN["hidden"], dtype=dtype) for _ in "hc")
    records, states, out = [], [state], {}
    for step in range(STEPS):
        batch = (torch.tensor(part[step].astype(np.int64)) for part in (tokens, targets))
        batch = (*batch, state)

        def evaluate(theta):
            _, _, loss, gradients, after = model.evaluate(theta, *batch)
            return loss, gradients, after

        record, state = optimiser.step(evaluate)
        records.append(record)
        states.append(state)
        if step in (0, STEPS - 1):
            for kind, values in optimiser.tensors().items():
                if step == 0 and "oment" in kind:
                    continue
                if kind == "hessian":  # frozen for biases
                    values = {name: value for name, value in values.items() if not ref.is_bias(name)}
                out.update(prefixed(f"step{step + 1}/{kind}", values))
    for key in records[0]:
        out[key] = np.array([record[key] for record in records])
    out["states/h"], out["states/c"] = (torch.stack(part).numpy() for part in zip(*states))
    return out


def optimiser_case(index, name, config):
    inputs = Inputs(100)  # weights and text are the same in every optimiser case
    weights = inputs.weights(**TRAIN)
    tokens, targets = training_stream(inputs)
    extra, own = {}, Inputs(index)
    if config["optimiser"] == "bayes-by-backprop":
        extra["rho"] = {k: own.uniform(w.shape, -3, -1.5) for k, w in weights.items() if not ref.is_bias(k)}
    if config["optimiser"] == "ivon":
        extra["hessian"] = {k: own.uniform((1,), 0.0015, 0.006) for k in weights}
    if config.get("clamp"):
        extra["gradientDeviation"] = {k: own.uniform((1,), 0.001, 0.004) for k in weights if not ref.is_bias(k)}
    answers = train(config, torch.float64, weights, extra, tokens, targets)
    if "clip" in config:
        assert (answers["clipScales"] < 1).any(), (name, answers["clipScales"])
    tensors = {"inputs": tokens, "targets": targets, **prefixed("parameters", weights)}
    for kind, values in extra.items():
        tensors.update(prefixed(kind, values))
    if "seed" in config:
        shapes = ref.to_tensors(weights, torch.float64)
        for particle in range(config.get("particles", 1)):
            tensors[f"noise/particle{particle}"] = ref.draw(shapes, config["seed"], 0, particle)[1]
    camel = lambda key: "".join(p if i == 0 else p.capitalize() for i, p in enumerate(key.rstrip("_").split("_")))
    metadata = {
        "case": name,
        **{k: json.dumps(v) for k, v in TRAIN.items()},
        "sequence": TIME, "batch": BATCH, "updates": STEPS,
        **{camel(k): json.dumps(v) if isinstance(v, bool) else v for k, v in config.items()},
        **layout_metadata(weights),
    }
    if config["optimiser"] == "ivon":
        metadata["delta"] = 1 / (config["lambda_"] * config["prior_sd"] ** 2)
    size = dump.write(DUMPS / f"{name}.safetensors", {**tensors, **answers}, metadata)
    report(name, size, answers, train(config, torch.float32, weights, extra, tokens, targets))
    for key in ("losses", "clipScales", "clampedElements", "kl"):
        if key in answers:
            print(f"   {key}: " + " ".join(f"{v:.4g}" for v in answers[key]))
    if config["optimiser"] == "ivon":
        h0 = {k: float(v[0]) for k, v in extra["hessian"].items()}
        ratio = np.concatenate([(answers[f"step10/hessian/{k}"] / h0[k]).ravel() for k in weights if not ref.is_bias(k)])
        print(f"   h / h0 after the last step: {ratio.min():.3f} to {ratio.max():.3f}")
    return weights, tokens, targets, answers


def check_against_torch_optim(weights, tokens, targets, answers, make):
    """Our SGD, Adam and AdamW against PyTorch's own (unclipped)."""
    model = ref.LanguageModel(**TRAIN)
    w = ref.to_tensors(weights, torch.float64)
    optimiser = make(list(w.values()))
    state = tuple(torch.zeros(TRAIN["layers"], BATCH, TRAIN["hidden"], dtype=torch.float64) for _ in "hc")
    for step in range(STEPS):
        batch = (torch.tensor(part[step].astype(np.int64)) for part in (tokens, targets))
        _, _, _, gradients, state = model.evaluate(w, *batch, state)
        for name, value in w.items():
            value.grad = gradients[name]
        optimiser.step()
    for name, value in w.items():
        assert np.allclose(value.numpy(), answers[f"step{STEPS}/parameters/{name}"], rtol=0, atol=1e-12), name


# ---- a model as others save it ------------------------------------------------------------------------------

SAVED_TEXT = "the whale and the sea and the ship and the whale\n"


class Saved(nn.Module):
    """A model under names of its own, as PyTorch's example of a word language model has them."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Embedding(256, 6)
        self.rnn = nn.LSTM(6, 14, 2)
        self.decoder = nn.Linear(14, 256)

    def forward(self, ids):
        outputs, _ = self.rnn(self.encoder(ids).unsqueeze(1))
        return self.decoder(outputs)[:, 0]


def saved_case():
    """Trained for a while, saved in float32, asked in float64: log-probabilities of all bytes but the first."""
    model, inputs = Saved().double(), Inputs(300)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.tensor(inputs.uniform(tuple(parameter.shape), -0.3, 0.3)))
    ids = torch.tensor(list(SAVED_TEXT.encode()))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(150):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(ids[:-1]), ids[1:]).backward()
        optimiser.step()
    model.float()
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    dump.write(DUMPS / "pytorch.safetensors", weights, {"format": "pt"})
    with torch.no_grad():
        logs = torch.log_softmax(model.double()(ids[:-1]), dim=1)
    answers = logs[torch.arange(len(ids) - 1), ids[1:]].tolist()
    text = json.dumps({"text": SAVED_TEXT, "logProbabilities": answers}, indent=1)
    (DUMPS / "pytorch.json").write_text(text + "\n")
    print(f"saved model: {sum(answers):.3f} nats for {len(answers)} bytes")


# ---- random numbers -----------------------------------------------------------------------------------------

DRAWS = [(0, 0, 0, 0), (42, 0, 0, 0), (42, 1, 0, 0), (42, 0, 1, 0), (42, 0, 0, 1), (2**32 + 42, 0, 0, 0),
         (2**53 - 1, 123456, 7, 3), (0x123456789ABCDEF0, 2**32 - 1, 2**32 - 1, 2**32 - 1)]


def philox_case():
    philox.check_known_answers()
    draws = [
        {
            "seed": str(seed), "step": step, "stream": stream, "particle": particle,
            "words": [" ".join(f"{int(w):08x}" for w in block) for block in philox.words(16, seed, step, stream, particle)],
            "normals": philox.normals(64, seed, step, stream, particle).tolist(),
        }
        for seed, step, stream, particle in DRAWS
    ]
    known = [{"counter": c, "key": k, "output": o} for c, k, o in philox.KNOWN_ANSWERS]
    text = json.dumps({"knownAnswers": known, "draws": draws}, indent=1)
    (DUMPS / "philox.json").write_text(text + "\n")
    many = philox.normals(1 << 20, 1, 0)
    print(f"philox: {len(text)} bytes; 2^20 normals: mean {many.mean():.5f}, sd {many.std():.5f}, "
          f"kurtosis {(many**4).mean() / many.var() ** 2:.4f}, max {np.abs(many).max():.3f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    DUMPS.mkdir(exist_ok=True)
    philox_case()
    for index, (name, config) in enumerate(MODELS.items()):
        model_case(index, name, config)
    for index, (name, config) in enumerate(GRUS.items()):
        model_case(100 + index, name, config)
    for index, (name, config) in enumerate(ATTENTION.items()):
        model_case(120 + index, name, config)
    for index, (name, config) in enumerate(PROJECTIONS.items()):
        model_case(110 + index, name, config)
    saved_case()
    results = {name: optimiser_case(200 + i, name, config) for i, (name, config) in enumerate(OPTIMISERS.items())}
    check_against_torch_optim(*results["sgd"], lambda w: torch.optim.SGD(w, lr=0.5, momentum=0.9))
    check_against_torch_optim(*results["adam"], lambda w: torch.optim.Adam(w, lr=0.01))
    check_against_torch_optim(*results["adamw"], lambda w: torch.optim.AdamW(w, lr=0.01, weight_decay=0.5))
