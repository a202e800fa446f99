"""The Python interpreter under a server: when it collects garbage, how long a thread keeps it, and what memory it keeps."""

from __future__ import annotations

import ctypes
import gc
import sys

COLLECT_AFTER = 50_000
"""Containers made beyond those that died until the youngest are looked through; Python's own 700 are a few dozen requests."""

SWITCH = 0.0005
"""Seconds after which a thread that runs Python makes way for one that waits to; with Python's own 5 ms the thread that writes
messages would wait that long whenever the database has answered."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Parameters of mallopt(3)."""

KEPT = 1 << 24
"""Free bytes at the end of a heap beyond which the C library gives them back to the system. With its own 128 KiB, every buffer of a file
that is sent or read is memory that the system has just made and filled with zeros: that takes longer than to encrypt it."""

LARGE = 1 << 22
"""Bytes from which something allocated is memory of its own, which the system makes, and takes back when it is freed."""


def settle() -> None:
    """Call this once when everything is built: what is there by then stays, and is not looked through again and again."""
    _keep_freed()
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 50)
    sys.setswitchinterval(SWITCH)


def _keep_freed() -> None:
    """Use freed memory again, rather than give it back and ask for it anew; where the C library is glibc, or like it."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, KEPT)
        mallopt(_M_MMAP_THRESHOLD, LARGE)
