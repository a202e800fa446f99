"""``python -m tests.support.suite``: every check and every test; the last line is ``N passed, N failed``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MINIMUM = ROOT / "tests" / "expected_minimum"
BIN = Path(sys.executable).parent

CHECKS = (
    ("ruff", "check"),
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


def main() -> int:
    """Run everything; give back the exit status."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("IMSYS_")} | {"PYTHONUNBUFFERED": "1"}
    environ["PATH"] = os.pathsep.join([str(BIN), environ.get("PATH", os.defpath), "/usr/sbin"])
    complaints = []
    for command in CHECKS:
        print(f"-- {' '.join(command)}", flush=True)
        if subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, env=environ).returncode:
            complaints.append(f"{command[0]} complains")
    print("-- trial", flush=True)
    jobs = str(max(2, min(4, os.cpu_count() or 2)))
    trial = subprocess.Popen(
        [str(BIN / "trial"), "--jobs", jobs, "tests"], cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert trial.stdout is not None
    lines = []
    for line in trial.stdout:
        print(line, end="", flush=True)
        lines.append(line)
    status = trial.wait()
    try:
        passed, failed, skipped = summary("".join(lines))
    except ValueError as error:
        passed, failed, skipped = 0, 0, 0
        complaints.append(str(error))
    if status and not failed:
        complaints.append(f"trial ended with status {status}")
    least = int(MINIMUM.read_text())
    if passed + failed < least:
        complaints.append(f"only {passed + failed} tests ran, and {MINIMUM.relative_to(ROOT)} wants {least}")
    for complaint in complaints:
        print(f"FAILED: {complaint}")
    if skipped:
        print(f"{skipped} skipped")
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed or complaints else 0


if __name__ == "__main__":
    sys.exit(main())
