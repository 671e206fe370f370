"""Which BLAS multiplies for PyTorch, and with which kernels: README.md says why it matters."""

import ctypes
import os
import sys

# What OpenBLAS calls its kernels of 128 bits.
NARROW = {"Prescott", "Core2", "Penryn", "Dunnington", "Atom", "Nehalem", "Generic"}


def core():
    """The name of the kernels that OpenBLAS has chosen; None where there is no OpenBLAS."""
    try:
        name = ctypes.CDLL("libopenblas.so.0").openblas_get_corename
    except (OSError, AttributeError):
        return None
    name.restype = ctypes.c_char_p
    return name().decode()


def require_wide_kernels():
    """
    Starts the process again with OpenBLAS's kernels for this processor's vectors, where OpenBLAS does not know the
    processor and takes those of 128 bits. To be called before torch is imported.
    """
    if "OPENBLAS_CORETYPE" in os.environ or core() not in NARROW:
        return
    with open("/proc/cpuinfo") as cpuinfo:
        flags = next((line for line in cpuinfo if line.startswith("flags")), "").split()
    wide = "SkylakeX" if "avx512f" in flags else "Haswell" if "avx2" in flags else None
    if wide:
        os.environ["OPENBLAS_CORETYPE"] = wide
        os.execv(sys.executable, [sys.executable, *sys.argv])


def blas():
    """File names of the BLAS libraries this process has loaded, and the kernels of OpenBLAS."""
    try:
        with open("/proc/self/maps") as maps:
            files = {os.path.realpath(line.split()[-1]) for line in maps if "/" in line}
    except OSError:
        return []
    names = sorted(os.path.basename(f) for f in files if any(name in f.lower() for name in ("blas", "mkl", "dnnl")))
    return names + [f"{core()} kernels"] if any("openblas" in name for name in names) else names
