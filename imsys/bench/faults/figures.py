"""The results of many faults: a report for each kind, one for all, and a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from imsys.bench.faults.kinds import KINDS, Concern, Kind
from imsys.bench.faults.stage import Outcome
from imsys.bench.report import ALL, Latency, Report, latency

THERE, OTHERS, LOCKED, BACK = "concerned", "others", "others, locked threads", "after it was back"
COMING = "sign in meanwhile"
RECEIVED = "acknowledged to received"
"""The names of latencies in the reports: which users waited, and for what."""

_GOALS = (
    ("others", OTHERS, (Concern.NODE, Concern.LOST_NODE)),
    ("others, locked threads", LOCKED, (Concern.NODE, Concern.LOST_NODE)),
    ("lost node", THERE, (Concern.LOST_NODE,)),
    ("node", THERE, (Concern.NODE,)),
    ("Redis", THERE, (Concern.REDIS,)),
    ("signing in meanwhile", COMING, (Concern.NODE, Concern.REDIS)),
    ("database", BACK, (Concern.DATABASE,)),
)
"""Figures over all kinds: name, latency and concerns; the worst 99th percentile counts.

Nobody can write without a database: there the time counts from its return.
"""


def reports(
    outcomes: Mapping[str, Sequence[Outcome]], setting: Mapping[str, object], seconds: float
) -> list[Report]:
    """Make one report for each kind that was measured, in their order, and one for all."""
    kinds = [kind for kind in KINDS if outcomes.get(kind.name)]
    found = [_report(kind, outcomes[kind.name], setting) for kind in kinds]
    return [*found, _summary(kinds, found, setting, seconds)]


def table(found: Sequence[Report]) -> str:
    """Format the reports of :func:`reports` for people, in seconds."""
    columns = (THERE, OTHERS, LOCKED, BACK, COMING, RECEIVED)
    lines = [
        " ".join(
            (
                "faults",
                *(f"{name}={value}" for name, value in found[-1].setting.items() if name != "operation"),
            )
        ),
        "",
    ]
    lines.append(
        f"{'p50 / p99 / max, s':62}{'faults':>7}  " + "".join(f"{name:26}" for name in columns).rstrip()
    )
    for report in found[:-1]:
        waits = "".join(f"{_triple(report.latency.get(name)):26}" for name in columns)
        lines.append(f"{report.setting['operation']!s:62}{report.counts['faults']:>7}  {waits}".rstrip())
    last = found[-1]
    lines += ["", ", ".join(f"{name}: {value:g}" for name, value in last.figures.items())]
    lines.append(", ".join(f"{name} {value:,}" for name, value in last.counts.items()))
    lines += [
        f"{report.setting['operation']}: {note} ({count})"
        for report in found[:-1]
        for note, count in report.notes.items()
    ]
    return "\n".join(lines)


def _triple(one: Latency | None) -> str:
    return "–" if one is None else f"{one.p50 / 1000:.2f} / {one.p99 / 1000:.2f} / {one.max / 1000:.2f}"


def _report(kind: Kind, outcomes: Sequence[Outcome], setting: Mapping[str, object]) -> Report:
    waits = {
        THERE: [wait for outcome in outcomes for wait in outcome.there],
        OTHERS: [wait for outcome in outcomes for wait in outcome.others],
        LOCKED: [wait for outcome in outcomes for wait in outcome.locked],
        BACK: [wait for outcome in outcomes for wait in outcome.back],
        COMING: [wait for outcome in outcomes for wait in outcome.coming],
        RECEIVED: [wait for outcome in outcomes for wait in outcome.received],
    }
    notes: Counter[str] = Counter()
    verdicts: Counter[str] = Counter()
    for outcome in outcomes:
        notes.update(outcome.verdict.examples)
        notes.update(f"signed out: {text}" for text in outcome.signed_out)
        verdicts.update(outcome.verdict.counts)
    counts = {
        "faults": len(outcomes),
        "texts": sum(outcome.texts for outcome in outcomes),
        "lost": verdicts["lost"],
        "duplicated": verdicts["duplicated"] + verdicts["seen twice"],
        "misordered": verdicts["misordered"] + verdicts["seen misordered"],
        "unseen": verdicts["unseen"],
        "refused": sum(outcome.refused for outcome in outcomes),
        "unacknowledged": sum(outcome.unacknowledged for outcome in outcomes),
        "unanswered": sum(outcome.waiting for outcome in outcomes),
        "signed out": sum(len(outcome.signed_out) for outcome in outcomes),
    }
    return Report(
        scene="faults",
        setting={"operation": kind.title, **setting},
        seconds=0.0,
        latency={name: latency([round(wait * 1e6) for wait in some]) for name, some in waits.items() if some},
        counts=counts,
        notes=dict(notes.most_common(10)),
    )


def _summary(
    kinds: Sequence[Kind], found: Sequence[Report], setting: Mapping[str, object], seconds: float
) -> Report:
    def worst(name: str, *concerns: Concern) -> float:
        pairs = zip(kinds, found, strict=True)
        some = [
            report.latency[name].p99
            for kind, report in pairs
            if kind.concern in concerns and name in report.latency
        ]
        return round(max(some, default=0.0) / 1000, 2)

    figures = {f"{what}, worst p99, s": worst(name, *concerns) for what, name, concerns in _GOALS}
    counts: Counter[str] = Counter()
    for report in found:
        counts.update(report.counts)
    return Report(
        scene="faults",
        setting={"operation": ALL, **setting},
        seconds=round(seconds, 1),
        counts=dict(counts),
        figures={name: value for name, value in figures.items() if value},
    )
