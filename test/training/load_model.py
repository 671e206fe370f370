"""Loads model files' tensors into PyTorch's own modules and prints the log-probabilities of a text as JSON.

    /usr/bin/python3 load_model.py '[token ids]' MODEL.safetensors ...

Ends with status 77 where torch is missing.
"""

import json
import struct
import sys

try:
    import torch
except ImportError:
    sys.exit(77)
from torch import nn


class LanguageModel(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.embedding = nn.Embedding(config["vocabulary"], config["embedding"])
        self.lstm = nn.LSTM(config["embedding"], config["hidden"], config["layers"])
        self.adaptive = config["softmax"] == "adaptive"
        if self.adaptive:
            self.output = nn.AdaptiveLogSoftmaxWithLoss(
                config["hidden"], config["vocabulary"], config["cutoffs"], div_value=4, head_bias=True
            )
        else:
            width = config["embedding"] if config["tied"] else config["hidden"]
            if width != config["hidden"]:
                self.projection = nn.Linear(config["hidden"], width, bias=False)
            self.output = nn.Linear(width, config["vocabulary"])
        if config["tied"]:
            self.output.weight = self.embedding.weight

    def forward(self, ids):
        hidden, _ = self.lstm(self.embedding(ids).unsqueeze(1))
        if self.adaptive:
            return self.output.log_prob(hidden[:, 0])
        below = hidden[:, 0]
        if hasattr(self, "projection"):
            below = self.projection(below)
        return torch.log_softmax(self.output(below), dim=1)


def read(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = bytearray(file.read())
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        assert entry["dtype"] == "F32", name
        flat = torch.frombuffer(data, dtype=torch.float32, count=(end - begin) // 4, offset=begin)
        tensors[name] = flat.reshape(entry["shape"])
    return tensors, json.loads(metadata["model"])


ids = torch.tensor(json.loads(sys.argv[1]))
answers = []
for path in sys.argv[2:]:
    tensors, config = read(path)
    model = LanguageModel(config)
    means = {name: tensor for name, tensor in tensors.items() if "/" not in name}
    missing, unexpected = model.load_state_dict(means, strict=False)
    assert not unexpected, unexpected
    assert missing == (["output.weight"] if config["tied"] else []), missing
    with torch.no_grad():
        logs = model(ids[:-1])
    picked = logs[torch.arange(len(ids) - 1), ids[1:]]
    answers.append({"logProbability": picked.tolist(), "names": sorted(tensors)})
print(json.dumps(answers))
