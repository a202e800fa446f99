"""The parts of the tables of docs/performance.md: numbers from the reports of scenes, and their medians."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from imsys.bench import svg
from imsys.bench.report import faults
from imsys.bench.scenes import SCENES, Scene

Results = Mapping[str, Any]
"""The file of results."""
Found = Sequence[Mapping[str, Any]]
"""The reports of one measurement, one of each run."""


def scenes_in(*groups: str) -> list[Scene]:
    """Return the scenes of some groups, in their order."""
    return [scene for scene in SCENES if scene.group in groups]


def reports_of(results: Results, scene: str) -> Found:
    """Return all reports of a scene, of all of its runs."""
    runs = results["scenes"].get(scene, {}).get("runs", [])
    return [report for run in runs for report in run]


def value_at(report: Mapping[str, Any], path: Sequence[str]) -> float | None:
    """Return the number at a path of a report's keys, if it is there."""
    found: Any = report
    for key in path:
        if not isinstance(found, Mapping) or key not in found:
            return None
        found = found[key]
    return float(found)


def median(reports: Found, path: Sequence[str]) -> float | None:
    """Return the median of such numbers, of the reports that have one."""
    values = [value for report in reports if (value := value_at(report, path)) is not None]
    return statistics.median(values) if values else None


def span(reports: Found, path: Sequence[str]) -> str:
    """Return the median, and the lowest and highest if there are several."""
    values = [value for report in reports if (value := value_at(report, path)) is not None]
    if not values:
        return "–"
    middle = svg.number(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({svg.number(min(values))}–{svg.number(max(values))})"


def cell(reports: Found, *path: str) -> str:
    """Return the median as text for a table."""
    found = median(reports, path)
    return "–" if found is None else svg.number(found)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Make a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)


def rows_of(results: Results, group: str, head: Sequence[str], row: Callable[[Found], Sequence[str]]) -> str:
    """Make the table of a group of scenes, one a row, without their controls."""
    found = {
        scene.title: reports_of(results, scene.name) for scene in scenes_in(group) if not scene.control_of
    }
    rows = [
        [title, *(row(some) if some else ("not measured", *[""] * (len(head) - 2)))]
        for title, some in found.items()
    ]
    return table(head, rows) + wrong(found) if any(found.values()) else "Not measured."


def wrong(found: Mapping[str, Found]) -> str:
    """The line below a table: what went wrong, over all runs, by what the scenes are called in it."""
    named = "; ".join(f"{title}: {what}" for title, some in found.items() if (what := faults(some)))
    return (
        f"\n\n**Something went wrong**, counted over all runs: {named}."
        if named
        else "\n\nNothing went wrong in any of these runs."
    )
