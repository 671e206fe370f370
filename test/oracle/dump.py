"""Writes the safetensors layout: u64 header length, JSON header, data, all little-endian."""

import json
import struct

import numpy as np

_DTYPES = {np.dtype("<f8"): "F64", np.dtype("<f4"): "F32", np.dtype("<i4"): "I32"}


def write(path, tensors, metadata):
    """tensors: name to array, of which F64, F32 and I32 are known; metadata: name to str or number."""
    header = {"__metadata__": {k: v if isinstance(v, str) else repr(v) for k, v in metadata.items()}}
    chunks, offset = [], 0
    for name, value in tensors.items():
        array = np.ascontiguousarray(value)
        assert np.isfinite(array).all(), (path, name)
        end = offset + array.nbytes
        header[name] = {"dtype": _DTYPES[array.dtype], "shape": list(array.shape), "data_offsets": [offset, end]}
        chunks.append(array.tobytes())
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(chunks))
    return 8 + len(text) + offset
