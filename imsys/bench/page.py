"""``imsys-bench page``: make docs/performance.md from the results and from a text written by hand."""

from __future__ import annotations

import argparse
import json
import re
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from imsys.bench import broken, svg
from imsys.bench.cells import (
    Found,
    Results,
    cell,
    median,
    reports_of,
    rows_of,
    scenes_in,
    span,
    table,
    value_at,
    wrong,
)
from imsys.bench.peers.showing import peers_setup, peers_table
from imsys.bench.peers.showing import plot as peers_plot
from imsys.bench.report import faults, write
from imsys.bench.scenes import GOALS, SCENES, Figure, Goal, Scene
from imsys.errors import ConfigError

_RATE = ("rates", "acknowledged")
_PLOTS = "performance"
"""The folder of the plots, beside the page; the text links to them there."""


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "page", help="write docs/performance.md and its plots from the figures of 'all'"
    )
    parser.add_argument(
        "--results", default="docs/performance/results.json", metavar="FILE", help="the figures"
    )
    parser.add_argument(
        "--text",
        default="docs/performance/text.md",
        metavar="FILE",
        help="what is written by hand, with {{places}} for tables",
    )
    parser.add_argument(
        "--out",
        default="docs/performance.md",
        metavar="FILE",
        help="the page; its plots go into the folder 'performance' beside it",
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    try:
        results = json.loads(Path(options.results).read_text("utf-8"))
        text = Path(options.text).read_text("utf-8")
    except (OSError, ValueError) as problem:
        raise ConfigError(f"{problem}") from None
    write(Path(options.out), render(results, text))
    for name, plot in plots(results).items():
        write(Path(options.out).parent / _PLOTS / f"{name}.svg", plot)
    print(f"{options.out} is written, and its plots.")
    return 0


def render(results: Results, text: str) -> str:
    """Make the page. :raises ConfigError: the text has an unknown placeholder."""
    places: dict[str, Callable[[Results], str]] = {
        "machine": _machine,
        "goals": _goals,
        "chat": lambda found: _chats(found, "chat"),
        "open": lambda found: _chats(found, "open"),
        "nodes": lambda found: _chats(found, "nodes"),
        "controls": _controls,
        "login": _logins,
        "idle": _idle,
        "groups": _groups,
        "overview": _overview,
        "growth": _growth,
        "live": _live,
        "peers": peers_table,
        "peers_setup": peers_setup,
        "faults": broken.faults_table,
        "storm": broken.storm_table,
        "files": lambda found: _files(found, "files"),
        "files_memory": lambda found: _files(found, "files-memory"),
        "files_large": lambda found: _files(found, "files-large"),
        "files_many": _many,
        "client": _client,
        "profile": _profile,
        "commands": _commands,
    }

    def fill(match: re.Match[str]) -> str:
        if match[1] not in places:
            raise ConfigError(f"the text has {match[0]}; known are {', '.join(places)}")
        return places[match[1]](results)

    made = plots(results)
    text = re.sub(
        rf"!\[.*\]\({_PLOTS}/([\w-]+)\.svg\)\n+", lambda match: match[0] if match[1] in made else "", text
    )
    return re.sub(r"\{\{(\w+)\}\}", fill, text)


def plots(results: Results) -> dict[str, str]:
    """The plots, by name."""
    made = {"chat": _rates_plot(results), "open": _waits_plot(results), "peers": peers_plot(results)}
    made |= {scene.name: _growth_plot(results, scene) for scene in scenes_in("growth")}
    return {name: plot for name, plot in made.items() if plot}


def _rates_plot(results: Results) -> str:
    groups, goals = [], []
    for scene in scenes_in("chat", "nodes"):
        found = reports_of(results, scene.name)
        if scene.control_of or not found:
            continue
        both = (("as it is", found), ("control", reports_of(results, f"{scene.name}-control")))
        groups.append((scene.title, [(name, median(some, _RATE) or 0.0) for name, some in both if some]))
        goals.append(next((goal.figures[0].at_least for goal in GOALS if goal.scene == scene.name), None))
    return svg.bars("durable messages acknowledged a second", groups, goals=goals) if groups else ""


def _waits_plot(results: Results) -> str:
    groups = [
        (
            f"{scene.title}: {name}",
            [(rank, median(found, ("latency", name, rank)) or 0.0) for rank in ("p50", "p95", "p99")],
        )
        for scene in scenes_in("open")
        if (found := reports_of(results, scene.name))
        for name in ("ack", "delivery")
    ]
    return svg.bars("open loop, 5,000 messages a second: milliseconds", groups) if groups else ""


def _growth_plot(results: Results, scene: Scene) -> str:
    sizes = _sizes(results, scene.name)
    lines = [
        (
            operation,
            [median(_at(results, scene.name, operation, size), _waiting(operation)) or 0.0 for size in sizes],
        )
        for operation in _operations(results, scene.name)
    ]
    return (
        svg.lines(f"{scene.title}: 99th percentile in milliseconds", "messages stored", sizes, lines)
        if sizes
        else ""
    )


def _machine(results: Results) -> str:
    """Where, with what and when the scenes were run; what is not the same for all is said of each few of them."""
    alike: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for scene in SCENES:
        if entry := results["scenes"].get(scene.name):
            alike.setdefault(tuple(entry["machine"].items()), []).append(scene.name)
    machines = [dict(machine) for machine in alike]
    same = {
        name: value
        for name, value in (machines[0] if machines else {}).items()
        if all(machine.get(name) == value for machine in machines)
    }
    said = [", ".join(_versions(same))]
    if len(machines) == 1:
        said.append(_days(results, *alike.values()))
    single = ", ".join(dict.fromkeys(scene.group for scene in SCENES if scene.once))
    said.append(
        "one run of each scene"
        if results["runs"] == 1
        else f"medians of {results['runs']} runs of each scene, in turns ({single}: one)"
    )
    quick = " These were quick runs, for a first impression only." if results["quick"] else ""
    listed = [
        f"\n* {', '.join(names)}: {', '.join(_versions(dict(machine.items() - same.items())))}; {_days(results, names)}"
        for machine, names in zip(machines, alike.values(), strict=True)
        if len(machines) > 1
    ]
    others = "\n\nWhat differs:\n" + "".join(listed) if listed else ""
    return f"{'; '.join(filter(None, said))}.{quick}{others}{_exceptions(results)}"


def _versions(machine: dict[str, str]) -> list[str]:
    """What a machine is, and the versions of what ran on it."""
    plain = ("processor", "memory", "system")
    first = [machine[name] for name in plain if name in machine]
    return first + sorted(f"{name} {value}" for name, value in machine.items() if value and name not in plain)


def _days(results: Results, names: Sequence[str]) -> str:
    """The first and the last day of these scenes."""
    days = sorted(results["scenes"][name]["finished"][:10] for name in names)
    return " to ".join(dict.fromkeys((days[0], days[-1])))


def _exceptions(results: Results) -> str:
    """A list of the scenes that failed, or have more or fewer runs than the page says."""
    lines = []
    for scene in SCENES:
        entry, said = results["scenes"].get(scene.name), 1 if scene.once else results["runs"]
        if entry is not None and (entry["failures"] or len(entry["runs"]) != said):
            failures = "".join(f"; one failed: {' '.join(failure.split())}" for failure in entry["failures"])
            lines.append(f"\n* {scene.name}: {len(entry['runs'])} instead of {said}{failures}")
    return "\n\nOther numbers of runs:\n" + "".join(lines) if lines else ""


def _goals(results: Results) -> str:
    rows = []
    for goal in GOALS:
        found = _goal_reports(results, goal)
        wanted = ", ".join(_bound(figure) for figure in goal.figures)
        rows.append([goal.title, goal.original, wanted, *_verdict(found, goal, _broken(results, goal))])
    return table(("scene", "original", "goal", "measured", "met"), rows)


def _goal_reports(results: Results, goal: Goal) -> Found:
    found = reports_of(results, goal.scene)
    if goal.stored is not None:
        found = [
            report
            for report in found
            if abs(int(report["setting"]["stored"]) - goal.stored) <= goal.stored * 0.05
        ]
    return [report for report in found if report["setting"].get("operation", "") == goal.operation]


def _bound(figure: Figure) -> str:
    sign, bound = ("≥", figure.at_least) if figure.at_least is not None else ("≤", figure.at_most)
    return f"{sign} {bound:,g} {figure.what}"


def _broken(results: Results, goal: Goal) -> str:
    """Why a goal is not met whatever its figures are, or nothing."""
    failures = len(results["scenes"].get(goal.scene, {}).get("failures", ()))
    return ", ".join(
        filter(
            None, (faults(_goal_reports(results, goal)), f"{failures} of its runs failed" if failures else "")
        )
    )


def _verdict(found: Found, goal: Goal, broken: str) -> tuple[str, str]:
    if not found:
        return "not measured", broken
    said, met = [], []
    for figure in goal.figures:
        value = median(found, figure.path)
        if value is None:
            return "not measured", ""
        value *= figure.factor
        said.append(f"{svg.number(value)} {figure.what}")
        met.append(
            value >= figure.at_least if figure.at_least is not None else value <= (figure.at_most or 0.0)
        )
    return ", ".join(said), f"no ({broken})" if broken else "yes" if all(met) else "no"


def _chats(results: Results, group: str) -> str:
    def row(found: Found) -> list[str]:
        waits = [
            " / ".join(cell(found, "latency", name, rank) for rank in ("p50", "p95", "p99", "max"))
            for name in ("ack", "delivery")
        ]
        return [span(found, _RATE), *waits, _cpu(found)]

    head = (
        "",
        "acknowledged a second",
        "ack p50 / p95 / p99 / max, ms",
        "delivery, the same",
        "CPU for 1,000 messages, ms",
    )
    return rows_of(results, group, head, row)


def _cpu(found: Found) -> str:
    names = list(dict.fromkeys(name for report in found for name in report["cpu_ms_per_1000"]))
    cells = [(name, median(found, ("cpu_ms_per_1000", name)) or 0.0) for name in names]
    return ", ".join(f"{name} {svg.number(value)}" for name, value in cells if value >= 0.5)


def _controls(results: Results) -> str:
    head = (
        "scene",
        "control",
        "as it is, a second",
        "control, a second",
        "ratio",
        "ack p99 as it is / control, ms",
    )
    rows, measured = [], {}
    for scene in SCENES:
        found, of = reports_of(results, scene.name), reports_of(results, scene.control_of)
        if not scene.control_of:
            continue
        title = next(one.title for one in SCENES if one.name == scene.control_of)
        if not found or not of:
            rows.append([title, scene.title, "not measured", *[""] * (len(head) - 3)])
            continue
        measured[f"{title}, {scene.title}"] = found
        # run by run, since a noisy machine is noisy for both
        pairs = [
            (value_at(one, _RATE), value_at(other, _RATE)) for one, other in zip(of, found, strict=False)
        ]
        ratios = [one / other for one, other in pairs if one and other]
        ratio = f"{statistics.median(ratios):.2f}" if ratios else "–"
        ratio += f" ({min(ratios):.2f}–{max(ratios):.2f})" if len(ratios) > 1 else ""
        rates = [span(reports, _RATE) for reports in (of, found)]
        waits = [cell(reports, "latency", "ack", "p99") for reports in (of, found)]
        rows.append([title, scene.title, *rates, ratio, " / ".join(waits)])
    return table(head, rows) + wrong(measured) if measured else "Not measured."


def _logins(results: Results) -> str:
    def row(found: Found) -> list[str]:
        wait = " / ".join(cell(found, "latency", "login", rank) for rank in ("p50", "p95", "p99"))
        return [span(found, ("rates", "logins")), wait, _cpu(found), cell(found, "counts", "resumed")]

    head = (
        "",
        "logins a second",
        "p50 / p95 / p99, ms (64 at once)",
        "CPU for 1,000, ms",
        "TLS sessions resumed",
    )
    return rows_of(results, "login", head, row)


def _idle(results: Results) -> str:
    def row(found: Found) -> list[str]:
        wait = " / ".join(cell(found, "latency", "heartbeat", rank) for rank in ("p50", "p99", "max"))
        memory = span(found, ("figures", "KB a session"))
        return [cell(found, "counts", "held"), memory, wait, cell(found, "rates", "heartbeats")]

    head = ("connections", "held", "KB a session", "heartbeat p50 / p99 / max, ms", "heartbeats a second")
    return rows_of(results, "idle", head, row)


def _groups(results: Results) -> str:
    def row(found: Found) -> list[str]:
        waits = [
            " / ".join(cell(found, "latency", name, rank) for rank in ("p50", "p99"))
            for name in ("each receiver", "last receiver")
        ]
        cpu = statistics.median(
            sum(
                spent
                for name, spent in report["cpu_ms_per_1000"].items()
                if name.startswith(("server", "chat"))
            )
            for report in found
        )
        rates = [cell(found, "rates", name) for name in ("messages", "deliveries")]
        return [*rates, *waits, svg.number(cpu), cell(found, "figures", "memory of a server, MB")]

    head = (
        "members",
        "messages a second",
        "deliveries a second",
        "each receiver p50 / p99, ms",
        "last receiver p50 / p99, ms",
        "CPU of servers, µs a delivery",
        "memory of a server, MB",
    )
    return rows_of(results, "groups", head, row)


def _overview(results: Results) -> str:
    def row(found: Found) -> list[str]:
        wait = " / ".join(cell(found, "latency", "answer", rank) for rank in ("p50", "p95", "p99", "max"))
        return [cell(found, "rates", "done"), wait, _cpu(found)]

    head = ("threads of a user", "first screens a second", "p50 / p95 / p99 / max, ms", "CPU for 1,000, ms")
    return rows_of(results, "overview", head, row)


def _sizes(results: Results, scene: str) -> list[int]:
    return sorted({int(report["setting"]["stored"]) for report in reports_of(results, scene)})


def _operations(results: Results, scene: str) -> list[str]:
    return list(dict.fromkeys(report["setting"]["operation"] for report in reports_of(results, scene)))


def _at(results: Results, scene: str, operation: str, stored: int) -> Found:
    found = reports_of(results, scene)
    return [
        report
        for report in found
        if report["setting"]["operation"] == operation and report["setting"]["stored"] == stored
    ]


def _waiting(operation: str, rank: str = "p99") -> tuple[str, str, str]:
    name = "ack" if operation == "message" else "login" if operation.startswith("login") else "answer"
    return "latency", name, rank


def _growth(results: Results) -> str:
    tables = []
    for scene in scenes_in("growth"):
        sizes = _sizes(results, scene.name)
        rows, measured = [], {}
        for operation in _operations(results, scene.name):
            found = [_at(results, scene.name, operation, size) for size in sizes]
            waits = [
                f"{cell(some, *_waiting(operation, 'p50'))} / {cell(some, *_waiting(operation))}"
                for some in found
            ]
            measured[operation] = [report for some in found for report in some]
            rows.append([operation, cell(measured[operation], "rates", "done"), *waits])
        if rows:
            head = (
                f"{scene.title}: p50 / p99 in ms",
                "done a second",
                *(f"{size:,} stored" for size in sizes),
            )
            tables.append(table(head, rows) + wrong(measured))
        else:
            tables.append(f"{scene.title}: not measured.")
    return "\n\n".join(tables)


def _live(results: Results) -> str:
    rows, measured = [], {}
    for scene in scenes_in("live"):
        for name in dict.fromkeys(
            report["setting"]["operation"] for report in reports_of(results, scene.name)
        ):
            found = [
                report for report in reports_of(results, scene.name) if report["setting"]["operation"] == name
            ]
            wait = " / ".join(
                cell(found, "latency", "publish to play", rank) for rank in ("p50", "p99", "max")
            )
            figures = (
                "CPU, s per stream-minute",
                "memory with 20 players, MiB",
                "memory a player, KiB",
                "peak memory, MiB",
            )
            players = (span(found, ("figures", "players")), cell(found, "counts", "players with delay"))
            rows.append([name, *players, wait, *(cell(found, "figures", figure) for figure in figures)])
            measured[name] = found
    head = [
        *("", "players at most", "with so many", "delay p50 / p99 / max, ms", "CPU of a stream-minute, s"),
        *("memory with 20 players, MiB", "memory of one more, KiB", "at most, overloaded too, MiB"),
    ]
    return table(head, rows) + wrong(measured) if rows else "Not measured."


def _files(results: Results, scene: str) -> str:
    """The table of a scene of files: each way, over all its turns."""
    rows = []
    for operation in _operations(results, scene):
        found = [
            report for report in reports_of(results, scene) if report["setting"]["operation"] == operation
        ]
        share, grew = (
            span(found, ("figures", name)) for name in ("of nginx, %", "server memory grew by at most, MiB")
        )
        cpu = " / ".join(cell(found, "figures", f"{who} CPU, s/GB") for who in ("server", "client"))
        rows.append([operation, span(found, ("figures", "MB a second")), share, cpu, grew])
    if not rows:
        return "Not measured."
    head = (
        "",
        "MB a second",
        "% of nginx",
        "CPU for a GB, server / client, s",
        "server's memory grew by at most, MiB",
    )
    return table(head, rows) + wrong({scene: reports_of(results, scene)})


def _many(results: Results) -> str:
    """The table of many uploads at the same time."""
    rows = []
    for report in reports_of(results, "files-many"):
        ended = " / ".join(
            cell([report], "figures", f"{rank} to end, s") for rank in ("first", "median", "last")
        )
        grew = cell([report], "figures", "server memory grew by at most, MiB")
        rows.append([report["setting"]["operation"], cell([report], "figures", "MB a second"), ended, grew])
    if not rows:
        return "Not measured."
    head = (
        "",
        "MB a second together",
        "first / median / last to end, s",
        "server's memory grew by at most, MiB",
    )
    return table(head, rows) + wrong({"files-many": reports_of(results, "files-many")})


def _client(results: Results) -> str:
    """What was measured of the desktop client, a line each."""
    found = reports_of(results, "client")
    if not found:
        return "Not measured."
    names = {
        kind: list(dict.fromkeys(name for report in found for name in report[kind]))
        for kind in ("figures", "latency", "counts")
    }
    rows = [[name, cell(found, "figures", name)] for name in names["figures"]]
    rows += [
        [
            f"{name}: p50 / p99 / worst, ms",
            " / ".join(cell(found, "latency", name, rank) for rank in ("p50", "p99", "max")),
        ]
        for name in names["latency"]
    ]
    rows += [[name, cell(found, "counts", name)] for name in names["counts"]]
    setting = found[-1]["setting"]
    said = f"{setting['messages']:,} messages, {setting['starts']} starts, {setting['minutes']:g} minutes of 5 messages a second"
    load = f"the load of the machine was {setting['load before']:g} before and {setting['load after']:g} after it."
    return table(("", "measured"), rows) + f"\n\n{said}; {load}"


def _profile(results: Results) -> str:
    functions = results.get("profile", {}).get("functions", [])
    if not functions:
        return "There is no profile of this run."
    rows = [[f"`{name}`", f"{own:.1%}", f"{whole:.1%}"] for name, own, whole in functions]
    return table(("function", "in itself", "with what it calls"), rows)


def _commands(results: Results) -> str:
    lines = [
        " ".join(("imsys-bench", *results["scenes"][scene.name]["arguments"]))
        for scene in SCENES
        if scene.name in results["scenes"]
    ]
    return "\n".join(f"    {line}" for line in lines)
