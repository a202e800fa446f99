"""The Python interpreter under a server: when it collects garbage, and how long a thread keeps it."""

from __future__ import annotations

import gc
import sys

COLLECT_AFTER = 50_000
"""Containers made beyond those that died until the youngest are looked through; Python's own 700 are a few dozen requests."""

SWITCH = 0.0005
"""Seconds after which a thread that runs Python makes way for one that waits to; with Python's own 5 ms the thread that writes
messages would wait that long whenever the database has answered."""


def settle() -> None:
    """Call this once when everything is built: what is there by then stays, and is not looked through again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 50)
    sys.setswitchinterval(SWITCH)
