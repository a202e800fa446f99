"""The tables of docs/performance.md about injected faults."""

from __future__ import annotations

from imsys.bench.cells import Found, Results, cell, reports_of, rows_of, table, wrong
from imsys.bench.faults.figures import BACK, COMING, LOCKED, OTHERS, RECEIVED, THERE
from imsys.bench.report import ALL


def faults_table(results: Results) -> str:
    """Return the table of how long each kind of fault affected which users."""
    found = {str(report["setting"]["operation"]): [report] for report in reports_of(results, "faults")}
    found.pop(ALL, None)
    if not found:
        return "Not measured."
    waits = (THERE, OTHERS, LOCKED, BACK, COMING, RECEIVED)
    rows = [
        [kind, cell(some, "counts", "faults"), *(_seconds(some, name) for name in waits)]
        for kind, some in found.items()
    ]
    return table(("p50 / p99 / max, s", "faults", *waits), rows) + wrong(found)


def storm_table(results: Results) -> str:
    """Return the table of how fast the users of a killed server were online again."""

    def row(found: Found) -> list[str]:
        ways = [cell(found, "counts", name) for name in ("straight", "asked the gateway", "timed out")]
        return [cell(found, "figures", "resumed a second of CPU"), _seconds(found, "resumed"), *ways]

    head = (
        "users",
        "resumed a second of all servers' CPU",
        "p50 / p99 / max, s",
        "went straight",
        "asked the gateway",
        "attempts in vain",
    )
    return rows_of(results, "storm", head, row)


def _seconds(found: Found, name: str) -> str:
    ranks = [cell(_in_seconds(found), "latency", name, rank) for rank in ("p50", "p99", "max")]
    return "–" if set(ranks) == {"–"} else " / ".join(ranks)


def _in_seconds(found: Found) -> Found:
    """Reports whose latencies are seconds."""
    return [
        {
            **report,
            "latency": {
                name: {rank: value / 1000 for rank, value in one.items()}
                for name, one in report["latency"].items()
            },
        }
        for report in found
    ]
