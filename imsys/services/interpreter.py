"""Tune the Python interpreter for a server: garbage collection, thread switching and memory."""

from __future__ import annotations

import ctypes
import gc
import sys

COLLECT_AFTER = 50_000
"""Net allocations before the youngest generation is collected; Python's own 700 are a few dozen requests."""

SWITCH = 0.0005
"""Seconds after which a running thread yields to a waiting one; with Python's own 5 ms the thread that writes
messages would wait that long after each answer of the database."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Parameters of mallopt(3)."""

KEPT = 1 << 24
"""Free bytes at the end of a heap beyond which the C library returns memory to the system. With its own 128
KiB, each buffer of a file would be fresh memory that the system fills with zeros, which takes longer than
encrypting it."""

LARGE = 1 << 22
"""Bytes from which an allocation is mapped separately and returned to the system when it is freed."""


def settle() -> None:
    """Tune the interpreter. Call it once everything is built: present objects are not collected any more."""
    _keep_freed()
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 50)
    sys.setswitchinterval(SWITCH)


def _keep_freed() -> None:
    """Keep freed memory for reuse instead of returning it to the system, if the C library can (glibc)."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, KEPT)
        mallopt(_M_MMAP_THRESHOLD, LARGE)
