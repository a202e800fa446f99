"""What came out: percentiles, a table, JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from imsys.bench.generator import Result


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

    setting: Mapping[str, object]
    seconds: float
    acked_a_second: float
    delivered_a_second: float
    ack: Latency
    delivery: Latency
    lost: int
    duplicated: int
    misordered: int
    refused: int
    unacknowledged: int
    closed: int
    messages: int
    logins_a_second: float
    generator_cpu_seconds: float
    cpu_ms_per_1000: Mapping[str, float] = field(default_factory=dict)
    """Milliseconds of CPU for 1,000 acknowledged messages, by process."""
    memory_kib: Mapping[str, int] = field(default_factory=dict)


def latency(microseconds: Sequence[int]) -> Latency:
    """The percentiles of some latencies (nearest rank)."""
    ordered = sorted(microseconds)

    def rank(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1000 if ordered else 0.0

    return Latency(p50=rank(0.50), p95=rank(0.95), p99=rank(0.99), max=rank(1.0))


def report(results: Sequence[Result], setting: Mapping[str, object], cpu: Mapping[str, float], memory: Mapping[str, int]) -> Report:
    """Put the results of all generators together.

    :param cpu: seconds of CPU in the measured time, by process.
    """
    span = max(result.seconds for result in results)
    acked = sum(result.acked for result in results)
    return Report(
        setting=setting,
        seconds=round(span, 2),
        acked_a_second=round(acked / span, 1),
        delivered_a_second=round(sum(result.delivered for result in results) / span, 1),
        ack=latency([value for result in results for value in result.ack_us]),
        delivery=latency([value for result in results for value in result.delivery_us]),
        lost=sum(result.lost for result in results),
        duplicated=sum(result.duplicated for result in results),
        misordered=sum(result.misordered for result in results),
        refused=sum(result.refused for result in results),
        unacknowledged=sum(result.unacknowledged for result in results),
        closed=sum(result.closed for result in results),
        messages=sum(result.total_acked for result in results),
        logins_a_second=round(sum(result.logins_a_second for result in results), 1),
        generator_cpu_seconds=round(sum(result.cpu_seconds for result in results), 2),
        cpu_ms_per_1000={name: round(spent * 1e6 / max(1, acked), 1) for name, spent in cpu.items()},
        memory_kib=dict(memory),
    )


def table(found: Report) -> str:
    """The report for people."""
    lines = [" ".join(f"{name}={value}" for name, value in found.setting.items()), ""]
    lines += [
        f"{'':14}{'a second':>12}{'p50 ms':>10}{'p95 ms':>10}{'p99 ms':>10}{'max ms':>10}",
        _row("acknowledged", found.acked_a_second, found.ack),
        _row("delivered", found.delivered_a_second, found.delivery),
        "",
        f"{found.messages:,} messages in all; lost {found.lost}, duplicated {found.duplicated}, misordered {found.misordered}, "
        f"refused {found.refused}, unacknowledged {found.unacknowledged}, connections closed {found.closed}",
    ]
    if found.cpu_ms_per_1000:
        spent = ", ".join(f"{name} {value:g} ms" for name, value in found.cpu_ms_per_1000.items())
        lines.append(f"CPU for 1,000 messages: {spent}")
    if found.memory_kib:
        lines.append("memory at the end: " + ", ".join(f"{name} {kib / 1024:.0f} MiB" for name, kib in found.memory_kib.items()))
    return "\n".join(lines)


def _row(name: str, rate: float, latency: Latency) -> str:
    return f"{name:14}{rate:>12,.1f}{latency.p50:>10.2f}{latency.p95:>10.2f}{latency.p99:>10.2f}{latency.max:>10.2f}"
