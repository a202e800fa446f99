"""The figures of the peers side by side: as text, as a plot, and in docs/performance.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from imsys.bench import svg
from imsys.bench.cells import Found, Results, cell, median, reports_of, span, table, wrong
from imsys.bench.report import Report
from imsys.bench.report import table as table_of

_RATE = ("rates", "acknowledged")


def show(reports: Sequence[Report]) -> str:
    """Format all reports for people, and how each server is set up."""
    parts = []
    for found in reports:
        brief = {name: found.setting[name] for name in ("what", "size", "seconds")}
        parts.append(table_of(Report(**{**vars(found), "setting": brief})))
    return "\n\n".join([*parts, *_setups([asdict(found) for found in reports], "\n\n{}")])


def draw(reports: Sequence[Report]) -> str:
    """Plot durable messages a second, by server and number of pairs."""
    return _plot([asdict(found) for found in reports])


def plot(results: Results) -> str:
    """The same, of the file of results; nothing where they are not in it."""
    return _plot(reports_of(results, "peers"))


def peers_table(results: Results) -> str:
    """Return the tables of messages, and of logins, memory and losses."""
    found = reports_of(results, "peers")
    if not found:
        return "Not measured."
    messages = [
        [f"{label}, {part}", span(some, _RATE), _ranks(some, "ack"), _ranks(some, "delivery"), _cpu(some)]
        for part in _chats(found)
        for label in _labels(found)
        if (some := _of(found, label, part))
    ]
    others = [
        [
            label,
            span(_of(found, label, "logins"), ("rates", "logins")),
            _ranks(_of(found, label, "logins"), "login"),
            # of the first turn: memory that was given back once is used again
            cell(_of(found, label, "logins")[:1], "figures", "KB a session"),
            *_losses(_of(found, label, "kill -9")),
        ]
        for label in _labels(found)
    ]
    head = ("", "acknowledged a second", "ack p50 / p99, ms", "delivery p50 / p99, ms")
    what = ("", "logins a second", "login p50 / p99, ms", "KB a session")
    lost = ("acknowledged, and no copy for the receiver", "no copy at all", "ready again, s")
    chats = {
        f"{label}, {part}": _of(found, label, part) for part in _chats(found) for label in _labels(found)
    }
    return "\n\n".join(
        (
            table((*head, "CPU for 1,000 messages, ms"), messages) + wrong(chats),
            table((*what, *lost), others),
        )
    )


def peers_setup(results: Results) -> str:
    """Return how each server was set up, and what its acknowledgement means."""
    found = reports_of(results, "peers")
    return "\n\n".join(_setups(found, "\n\n```\n{}```")) if found else "Not measured."


def _setups(found: Found, form: str) -> list[str]:
    settings = {str(report["setting"]["operation"]): report["setting"] for report in found}
    return [
        f"{label}. An acknowledgement: {setting['acknowledgement']}." + form.format(setting["configuration"])
        for label, setting in settings.items()
    ]


def _plot(found: Found) -> str:
    groups = [
        (
            label,
            [(part, median(_of(found, label, part), _RATE) or 0.0) for part in _chats(found)],
        )
        for label in _labels(found)
    ]
    return svg.bars("durable messages acknowledged a second", groups) if groups else ""


def _labels(found: Found) -> list[str]:
    return list(dict.fromkeys(str(report["setting"]["operation"]) for report in found))


def _chats(found: Found) -> list[str]:
    """The numbers of pairs, as parts are named."""
    parts = dict.fromkeys(str(one["setting"]["part"]) for one in found)
    return [part for part in parts if part.endswith(" pairs")]


def _of(found: Found, label: str, part: str) -> Found:
    return [one for one in found if one["setting"]["operation"] == label and one["setting"]["part"] == part]


def _ranks(found: Found, name: str) -> str:
    return " / ".join(cell(found, "latency", name, rank) for rank in ("p50", "p99"))


def _cpu(found: Found) -> str:
    names = dict.fromkeys(name for report in found for name in report["cpu_ms_per_1000"])
    return ", ".join(f"{name} {cell(found, 'cpu_ms_per_1000', name)}" for name in names)


def _losses(found: Found) -> list[str]:
    if not found:
        return ["–"] * 3
    counts: Mapping[str, Any] = found[-1]["counts"]
    return [
        f"{counts['no copy for the receiver']:,} of {counts['acknowledged']:,}",
        f"{counts.get('no copy at all', 0):,}",
        cell(found, "figures", "ready again, s"),
    ]
