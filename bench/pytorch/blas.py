"""Which BLAS multiplies for PyTorch: README.md says why it matters."""

import os


def blas():
    """File names of the BLAS libraries this process has loaded."""
    try:
        with open("/proc/self/maps") as maps:
            files = {os.path.realpath(line.split()[-1]) for line in maps if "/" in line}
    except OSError:
        return []
    return sorted(os.path.basename(f) for f in files if any(name in f.lower() for name in ("blas", "mkl", "dnnl")))
