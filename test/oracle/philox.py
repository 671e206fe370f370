"""Philox4x32-10 and the normal deviates svi-lm makes of it, in numpy.

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011); the known
answers are the `philox4x32 10` lines of `tests/kat_vectors` in the authors' Random123 library.
"""

import numpy as np

# (counter, key, output), hexadecimal words
KNOWN_ANSWERS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = 0x9E3779B9, 0xBB67AE85
_LOW, _32 = np.uint64(0xFFFFFFFF), np.uint64(32)


def philox4x32(counter, key):
    """Ten rounds. counter: four broadcastable uint32 arrays; key: two ints. Returns four uint64 arrays."""
    x0, x1, x2, x3 = np.broadcast_arrays(*(np.asarray(word, dtype=np.uint64) for word in counter))
    k0, k1 = key
    for _ in range(10):
        p0, p1 = _M0 * x0, _M1 * x2
        x0, x1, x2, x3 = (
            (p1 >> _32) ^ x1 ^ np.uint64(k0),
            p1 & _LOW,
            (p0 >> _32) ^ x3 ^ np.uint64(k1),
            p0 & _LOW,
        )
        k0, k1 = (k0 + _W0) & 0xFFFFFFFF, (k1 + _W1) & 0xFFFFFFFF
    return x0, x1, x2, x3


def words(blocks, seed, step, stream=0, particle=0):
    """uint64 [blocks, 4]: the words of blocks 0 … blocks - 1."""
    key = (seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF)
    return np.stack(philox4x32((np.arange(blocks), step, stream, particle), key), axis=1)


def _pair(a, b):
    # Box-Muller. The uniform is what 32-bit floats make of it: a rounded, scaled, 2^-33 added, rounded
    # again, hence in [2^-33, 1]; from there on everything is float64.
    uniform = np.float32(np.float64(a.astype(np.float32)) * 2.0**-32 + 2.0**-33).astype(np.float64)
    angle = 2 * np.pi * ((b >> np.uint64(8)).astype(np.float64) * 2.0**-24)
    radius = np.sqrt(-2 * np.log(uniform))
    return radius * np.cos(angle), radius * np.sin(angle)


def normals(count, seed, step, stream=0, particle=0):
    """float64 [count]: deviates of elements 0 … count - 1 of the padded flat parameter block.

    Element e is deviate (e >> 2) & 3 of Philox block (e >> 4) * 4 + (e & 3).
    """
    x = words((count + 15) // 16 * 4, seed, step, stream, particle)
    deviates = np.stack(_pair(x[:, 0], x[:, 1]) + _pair(x[:, 2], x[:, 3]), axis=1)
    element = np.arange(count)
    return deviates[(element >> 4) * 4 + (element & 3), (element >> 2) & 3]


def check_known_answers():
    for counter, key, output in KNOWN_ANSWERS:
        parse = lambda text: [int(word, 16) for word in text.split()]
        got = " ".join(f"{int(word):08x}" for word in philox4x32(parse(counter), parse(key)))
        assert got == output, (counter, got, output)
