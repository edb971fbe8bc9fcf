"""Classifiers: one protocol, networks and nearest neighbours behind it.

Two things must be said before TensorFlow is imported and starts its threads, so they are
said here: that it need not talk, and that the C library keeps freed memory. Otherwise
every step of a convolutional network faults its tensors in anew, which takes up to a third
of the processor's time.
"""

import ctypes
import os

# mallopt(3) of the GNU C library: no mmap for a tensor, and nothing given back to the kernel
# between two steps.
MMAP_MAX, TRIM_THRESHOLD, TOP_PAD = -4, -1, -2
MALLOC = {MMAP_MAX: 0, TRIM_THRESHOLD: 2**31 - 1, TOP_PAD: 2**26}


def keep_memory() -> None:
    """Let the C library keep freed memory for the next step, where it is the GNU one."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in MALLOC.items():
            mallopt(option, value)


keep_memory()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
