"""``imsys-bench all``: every scene, as often as asked for and in turns, and one file of results."""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import json
import os
import platform
import shutil
import signal
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from imsys import __version__
from imsys.bench.options import whole
from imsys.bench.processes import bound_to_parent
from imsys.bench.profiling import hot_spots
from imsys.bench.report import faults, write
from imsys.bench.scenes import SCENES, Scene
from imsys.errors import ConfigError
from imsys.redis.embedded import server_binary

_GRACE = 40.0
"""Seconds that a scene has to stop its servers when it is told to end."""


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "all", help="run every scene of docs/performance.md, and keep the figures as JSON"
    )
    parser.add_argument(
        "--runs", type=whole, default=5, metavar="N", help="runs of each scene, in turns; their medians count"
    )
    parser.add_argument(
        "--quick", action="store_true", help="short runs, for a first impression: not for the page"
    )
    parser.add_argument(
        "--only", metavar="NAME,…", help="only the scenes whose names begin so; the others' figures stay"
    )
    parser.add_argument(
        "--generator", metavar="PROGRAM", help="path of the C++ load generator (imload), for plaintext chats"
    )
    parser.add_argument(
        "--generators", type=whole, default=1, metavar="N", help="processes that make the load"
    )
    parser.add_argument(
        "--out",
        default="docs/performance/results.json",
        metavar="FILE",
        help="where the figures go, once all are there",
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    wanted = [
        scene
        for scene in SCENES
        if options.only is None or scene.name.startswith(tuple(options.only.split(",")))
    ]
    if not wanted:
        raise ConfigError(f"--only {options.only}: there are {', '.join(scene.name for scene in SCENES)}")
    path = Path(options.out)
    # what the page is made of does not change before there is all of it
    unfinished = path.with_suffix(".part.json")
    results = _results(path, options, wanted)
    machine = _machine()
    for scene in wanted:
        results["scenes"].pop(scene.name, None)
    began = time.monotonic()
    with _folder() as folder:
        for turn in range(1, options.runs + 1):
            for scene in wanted:
                if turn == 1 or not scene.once:
                    entry = results["scenes"].setdefault(
                        scene.name, {"runs": [], "failures": [], "machine": machine}
                    )
                    _one(scene, options, folder, entry)
                    print(f"{turn}/{options.runs} {scene.name:26} {_glance(entry)}", flush=True)
                    entry["finished"] = _now()
                    write(unfinished, json.dumps(results, indent=1) + "\n")
        if profile := _profile(options, folder):
            results["profile"] = profile
            write(unfinished, json.dumps(results, indent=1) + "\n")
    unfinished.replace(path)
    wrong = [
        name
        for name, entry in results["scenes"].items()
        if entry["failures"] or faults(chain(*entry["runs"]))
    ]
    print(
        f"{len(wanted)} scenes in {(time.monotonic() - began) / 60:.0f} minutes; the figures are in {path}."
    )
    if wrong:
        print(f"Something went wrong at least once: {', '.join(wrong)}.")
    return 1 if wrong else 0


def _results(path: Path, options: argparse.Namespace, wanted: Sequence[Scene]) -> dict[str, Any]:
    """What there is already, with what this run says about itself."""
    found: dict[str, Any] = {"scenes": {}}
    if options.only is not None and path.exists():
        found = json.loads(path.read_text("utf-8"))
    alone = {scene.name for scene in wanted} >= found["scenes"].keys()
    # the others are what they were
    runs = found["runs"] if not alone and all(scene.once for scene in wanted) else options.runs
    return found | {"runs": runs, "quick": options.quick}


def _one(scene: Scene, options: argparse.Namespace, folder: Path, entry: dict[str, Any]) -> None:
    arguments = [*scene.arguments, *(scene.quick if options.quick else ())]
    if scene.generators:
        arguments += ["--generators", str(options.generators)]
    if options.generator and scene.arguments[0] in ("chat", "nodes") and "--tls" not in scene.arguments:
        arguments += ["--generator", options.generator]
    entry["arguments"] = arguments
    try:
        reports = _call(arguments, folder, scene.seconds)
    except ConfigError as problem:
        entry["failures"].append(str(problem))
        return
    entry["runs"].append(reports)


def _call(arguments: Sequence[str], folder: Path, most: float) -> list[dict[str, Any]]:
    """Run one command in a process of its own; its reports, which say themselves what went wrong with
    messages.

    :raises ConfigError: it failed, or took too long.
    """
    environ = {**os.environ, "TMPDIR": str(folder)}
    child = subprocess.Popen(  # noqa: S603 (our own program)
        [sys.executable, "-m", "imsys.bench", *arguments, "--json", "-"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environ,
        preexec_fn=bound_to_parent,
        start_new_session=True,
    )
    try:
        out, errors = child.communicate(timeout=most)
    except subprocess.TimeoutExpired:
        raise ConfigError(f"it took more than {most:.0f} s") from None
    finally:
        _end(child)
    if child.returncode not in (0, 1) or not out.strip():
        raise ConfigError(
            errors.decode("utf-8", "replace").strip()[-300:] or f"it ended with status {child.returncode}"
        )
    found = json.loads(out)
    return found if isinstance(found, list) else [found]


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a command that still runs; it stops its servers."""
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
        try:
            child.communicate(timeout=_GRACE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()


def _profile(options: argparse.Namespace, folder: Path) -> dict[str, Any] | None:
    """One more run of the first scene, with a profile of the server, where py-spy is installed."""
    if shutil.which("py-spy") is None and not Path(sys.executable).with_name("py-spy").exists():
        return None
    scene, path = SCENES[0], folder / "profile"
    arguments = [*scene.arguments, *(scene.quick if options.quick else ()), "--profile", str(path)]
    try:
        _call(arguments, folder, scene.seconds)
        text = path.read_text("utf-8", "replace")
    except (ConfigError, OSError) as problem:
        print(f"There is no profile: {problem}")
        return None
    return {"arguments": arguments, "functions": [list(spot) for spot in hot_spots(text, 25)]}


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="imsys-all-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _glance(entry: dict[str, Any]) -> str:
    if entry["failures"] and not entry["runs"]:
        return f"failed: {entry['failures'][-1]}"
    found = entry["runs"][-1][0]
    rates = [f"{rate:,.0f} {name} a second" for name, rate in found["rates"].items()]
    waits = [f"{name} p99 {one['p99']:.1f} ms" for name, one in found["latency"].items()]
    return ", ".join(filter(None, [*rates, *waits, faults(entry["runs"][-1])]))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _machine() -> dict[str, str]:
    """Describe the machine, on which the figures depend."""
    processor = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    memory = next(
        (
            int(line.split()[1]) // 1048576 + 1
            for line in _lines("/proc/meminfo")
            if line.startswith("MemTotal")
        ),
        0,
    )
    system = next(
        (
            line.partition("=")[2].strip('"')
            for line in _lines("/etc/os-release")
            if line.startswith("PRETTY_NAME")
        ),
        platform.system(),
    )
    return {
        "processor": f"{os.cpu_count()} cores, {processor}",
        "memory": f"{memory} GiB",
        "system": f"{system}, Linux {platform.release()}" if sys.platform == "linux" else system,
        "imsys": " ".join(filter(None, (__version__, _output("git", "rev-parse", "--short", "HEAD")))),
        "Python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in ("Twisted", "msgspec", "PyMySQL", "grpcio")},
        "OpenSSL": ssl.OPENSSL_VERSION.split()[1],
        "SQLite": sqlite3.sqlite_version,
        "MariaDB": _output(shutil.which("mariadbd") or "/usr/sbin/mariadbd", "--version")
        .partition("Ver ")[2]
        .split(" for ")[0],
        "Redis": " ".join(_output(server_binary(), "--version").split()[:3]),
    }


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text("utf-8", "replace").splitlines()
    except OSError:
        return []


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=10).stdout.strip()  # noqa: S603
    except OSError:
        return ""
