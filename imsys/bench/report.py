"""Reports of measurements: percentiles, a table, JSON, a plot."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from imsys.bench import svg
from imsys.bench.tasks import microseconds
from imsys.bench.workers import Observed
from imsys.errors import ConfigError

ALL = "all kinds"
"""What the report about all kinds of a scene calls its operation."""

_NEVER = ("lost", "duplicated", "misordered", "unseen", "closed")
_NOT_WELL = ("refused", "unacknowledged", "unanswered", "signed out", "failed")


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Milliseconds."""

    p50: float
    p95: float
    p99: float
    max: float


@dataclass(frozen=True, kw_only=True)
class Report:
    """One measurement."""

    scene: str
    setting: Mapping[str, object]
    seconds: float
    rates: Mapping[str, float] = field(default_factory=dict)
    """How many a second."""
    latency: Mapping[str, Latency] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)
    """Other measured values; the name has the unit."""
    cpu_ms_per_1000: Mapping[str, float] = field(default_factory=dict)
    """Milliseconds of CPU for 1,000 of what was counted, by process."""
    memory_kib: Mapping[str, int] = field(default_factory=dict)
    """At the end of the measured time, by process."""
    notes: Mapping[str, int] = field(default_factory=dict)
    """What went wrong, and how often."""

    @property
    def wrong(self) -> bool:
        """Whether a violation happened: something that never may."""
        return any(self.counts.get(name) for name in _NEVER)


def faults(reports: Iterable[Mapping[str, Any]]) -> str:
    """What went wrong in some reports (as they are in JSON) and how often in all of them, or nothing: a run
    with that meets no goal.
    """
    found = list(reports)
    totals = {name: sum(report["counts"].get(name, 0) for report in found) for name in (*_NEVER, *_NOT_WELL)}
    return ", ".join(f"{count:,} {name}" for name, count in totals.items() if count)


def latency(values: Sequence[int]) -> Latency:
    """The percentiles of some latencies in microseconds (nearest rank)."""
    ordered = sorted(values)

    def rank(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1000 if ordered else 0.0

    return Latency(p50=rank(0.50), p95=rank(0.95), p99=rank(0.99), max=rank(1.0))


def report(
    scene: str,
    setting: Mapping[str, object],
    seen: Observed,
    *,
    rates: Mapping[str, str],
    per: str,
    figures: Mapping[str, float] | None = None,
) -> Report:
    """Make a report of what a crew saw.

    :param rates: what is given as a rate, and the name of its count.
    :param per: the count that CPU is divided by.
    """
    result = seen.result
    counts = {name: count for name, count in result.counts.items() if name not in rates.values()}
    span, number = max(1e-9, result.seconds), max(1, result.counts.get(per, 0))
    return Report(
        scene=scene,
        setting=setting,
        seconds=round(result.seconds, 2),
        rates={name: round(result.counts.get(count, 0) / span, 1) for name, count in rates.items()},
        latency={name: latency(microseconds(values)) for name, values in result.latencies.items() if values},
        counts=counts,
        figures=dict(figures or {}),
        cpu_ms_per_1000={
            name: round(spent * 1e6 / number, 1)
            for name, spent in {**seen.cpu, "generator": result.cpu_seconds}.items()
        },
        memory_kib=seen.memory,
        notes=result.notes,
    )


def table(found: Report) -> str:
    """Format a report for people."""
    lines = [" ".join((found.scene, *(f"{name}={value}" for name, value in found.setting.items()))), ""]
    if found.rates:
        lines += [", ".join(f"{name}: {rate:,.1f} a second" for name, rate in found.rates.items()), ""]
    if found.latency:
        lines.append(f"{'':16}{'p50 ms':>10}{'p95 ms':>10}{'p99 ms':>10}{'max ms':>10}")
        lines += [
            f"{name:16}{one.p50:>10.2f}{one.p95:>10.2f}{one.p99:>10.2f}{one.max:>10.2f}"
            for name, one in found.latency.items()
        ]
        lines.append("")
    for what in (found.counts, found.figures, found.notes):
        if what:
            lines.append(", ".join(f"{name} {value:,}" for name, value in what.items()))
    if found.cpu_ms_per_1000:
        lines.append(
            "CPU for 1,000: "
            + ", ".join(f"{name} {value:g} ms" for name, value in found.cpu_ms_per_1000.items())
        )
    if found.memory_kib:
        lines.append(
            "memory at the end: "
            + ", ".join(f"{name} {kib / 1024:.0f} MiB" for name, kib in found.memory_kib.items())
        )
    return "\n".join(lines)


def tables(reports: Sequence[Report]) -> str:
    """Format reports for people, one after the other."""
    return "\n\n".join(table(found) for found in reports)


def publish(
    options: argparse.Namespace,
    reports: Sequence[Report],
    show: Callable[[Sequence[Report]], str] = tables,
    draw: Callable[[Sequence[Report]], str] | None = None,
) -> int:
    """Print the reports and write the files that were asked for; the exit status."""
    if options.json != "-":
        print(show(reports))
    if options.json:
        text = json.dumps(
            [asdict(found) for found in reports] if len(reports) > 1 else asdict(reports[0]), indent=2
        )
        if options.json == "-":
            print(text)
        else:
            write(Path(options.json), text + "\n")
    if getattr(options, "svg", None):
        write(Path(options.svg), (draw or plot)(reports))
    return 1 if any(found.wrong for found in reports) else 0


def plot(reports: Sequence[Report]) -> str:
    """The latencies of some reports of one scene, as SVG."""
    groups = [
        (f"{label(found)}{name}", [(which, getattr(one, which)) for which in ("p50", "p95", "p99")])
        for found in reports
        for name, one in found.latency.items()
    ]
    return svg.bars(f"{reports[0].scene}: milliseconds", groups)


def label(found: Report) -> str:
    """Return what distinguishes this report from the others of its scene."""
    return f"{found.setting['what']}: " if "what" in found.setting else ""


def write(path: Path, text: str) -> None:
    """Write a file, and the last of its folders. :raises ConfigError: it cannot be written."""
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from None
