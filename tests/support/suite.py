"""``python -m tests.support.suite``: every check and every test; the last line is ``N passed, N failed``.

With ``checks``: the checks alone. With ``quick``: the tests that need nothing beside Python, alone
(``tests/support/programs.py``).
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.programs import QUICK
from tests.support.screens import screen

ROOT = Path(__file__).resolve().parents[2]
BELOW_QT = "tests.client.core", "tests.client.store"
MINIMUM = ROOT / "tests" / "expected_minimum"
BIN = Path(sys.executable).parent
QUICK_SHARE = 0.7
"""Of all tests, how many run at least where those that need programs are skipped."""

CHECKS = (
    ("ruff", "check"),
    ("ruff", "format", "--check", "--quiet"),
    ("mypy",),
    ("lint-imports",),
)


def summary(output: str) -> tuple[int, int, int]:
    """How many tests passed, failed and were skipped, by trial's last line.

    :raises ValueError: there is no such line.
    """
    found = re.findall(r"^(?:PASSED|FAILED)(?: \(([^)]*)\))?$", output, re.MULTILINE)
    if not found:
        raise ValueError("trial wrote no summary")
    counts = {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", found[-1])}
    passed = counts.get("successes", 0) + counts.get("expectedFailures", 0)
    failed = counts.get("failures", 0) + counts.get("errors", 0) + counts.get("unexpectedSuccesses", 0)
    return passed, failed, counts.get("skips", 0)


def others() -> list[str]:
    """The names of all tests but the desktop client's, which run on Qt's event loop in processes of their
    own.
    """
    tests = ROOT / "tests"
    folders = {path.parent.name for path in tests.glob("*/__init__.py")} - {"client", "support"}
    return sorted(f"tests.{name}" for name in folders | {path.stem for path in tests.glob("test_*.py")})


def trial(environ: Mapping[str, str], *arguments: str, show: bool = True) -> tuple[str, int]:
    """Run trial, and show what it writes, unless it is not to; that, and its exit status."""
    process = subprocess.Popen(
        [str(BIN / "trial"), *arguments],
        cwd=ROOT,
        env=dict(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        if show:
            print(line, end="", flush=True)
        lines.append(line)
    return "".join(lines), process.wait()


def client(environ: Mapping[str, str]) -> list[tuple[Mapping[str, str], Sequence[str]]]:
    """How the desktop client's tests are run: without a screen, and those under ``tests/client/screen``,
    which want OpenGL, on one.

    Qt needs libraries of the system, so quick runs have only what is below it.
    """
    if QUICK in environ:
        return [(environ, ("--temp-directory", "_trial_temp_client", *BELOW_QT))]
    tests = ROOT / "tests" / "client"
    found = {path.parent.name for path in tests.glob("*/__init__.py")} | {
        path.stem for path in tests.glob("test_*.py")
    }
    names = sorted(f"tests.client.{name}" for name in found - {"screen"})
    options = ("--reactor", "qt", "--temp-directory", "_trial_temp_client")
    runs: list[tuple[Mapping[str, str], Sequence[str]]] = []
    if names:
        runs.append(({**environ, "QT_QPA_PLATFORM": "offscreen"}, (*options, *names)))
    if "screen" in found:
        runs.append(
            (
                {**environ, "QT_QPA_PLATFORM": "xcb", "LIBGL_ALWAYS_SOFTWARE": "1"},
                (*options, "tests.client.screen"),
            )
        )
    return runs


def check(environ: Mapping[str, str]) -> list[str]:
    """Run all checks; what complained."""
    complaints = []
    for command in CHECKS:
        print(f"-- {' '.join(command)}", flush=True)
        if subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, env=environ).returncode:
            complaints.append(f"{command[0]} complains")
    return complaints


def test(environ: Mapping[str, str], least: int) -> tuple[int, int, int, list[str]]:
    """Run trial; how many tests passed, failed and were skipped, and what is wrong besides.

    The client's tests, one process at a time, run beside the others, since both wait much; what they say is shown
    after that of the others.
    """
    print("-- trial", flush=True)
    complaints = []
    jobs = str(max(3, min(4, os.cpu_count() or 2)))
    with (
        contextlib.nullcontext("") if QUICK in environ else screen() as display,
        ThreadPoolExecutor(1) as beside,
    ):
        running = [
            (arguments, beside.submit(trial, {**environment, "DISPLAY": display}, *arguments, show=False))
            for environment, arguments in client(environ)
        ]
        ran = [trial(environ, "--jobs", jobs, *others())]
        for arguments, one in running:
            print(f"-- trial {' '.join(arguments)}", flush=True)
            ran.append(one.result())
            print(ran[-1][0], end="", flush=True)
    passed = failed = skipped = 0
    for output, status in ran:
        try:
            counts = summary(output)
        except ValueError as error:
            complaints.append(str(error))
            continue
        passed, failed, skipped = (
            total + count for total, count in zip((passed, failed, skipped), counts, strict=True)
        )
        if status and not counts[1]:
            complaints.append(f"trial ended with status {status}")
    if passed + failed < least:
        complaints.append(f"only {passed + failed} tests ran, and {MINIMUM.relative_to(ROOT)} wants {least}")
    return passed, failed, skipped, complaints


def main(what: str = "all") -> int:
    """Run everything, or a part of it; give back the exit status."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("IMSYS_")} | {
        "PYTHONUNBUFFERED": "1"
    }
    environ["PATH"] = os.pathsep.join([str(BIN), environ.get("PATH", os.defpath), "/usr/sbin"])
    complaints = check(environ) if what != "quick" else []
    passed, failed, skipped = 0, 0, 0
    if what != "checks":
        least = int(MINIMUM.read_text())
        if what == "quick":
            environ, least = environ | {QUICK: "1"}, int(least * QUICK_SHARE)
        passed, failed, skipped, more = test(environ, least)
        complaints += more
    for complaint in complaints:
        print(f"FAILED: {complaint}")
    if skipped:
        print(f"{skipped} skipped")
    if what != "checks":
        print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed or complaints else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
