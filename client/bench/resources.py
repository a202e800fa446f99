"""What this process uses."""

from __future__ import annotations

import os
from pathlib import Path


def cpu() -> float:
    """Seconds of processor time so far, of all threads and of children that have ended."""
    return sum(os.times()[:4])


def memory() -> dict[str, float]:
    """MB: what is resident, and of that what nobody else has mapped."""
    found = dict(
        line.split(":", 1)
        for line in Path("/proc/self/smaps_rollup").read_text().splitlines()
        if ":" in line and "kB" in line
    )
    kib = {name: int(value.split()[0]) for name, value in found.items() if value.split()[0].isdecimal()}
    private = kib["Private_Clean"] + kib["Private_Dirty"]
    return {"resident": round(kib["Rss"] * 1.024 / 1000, 1), "private": round(private * 1.024 / 1000, 1)}
