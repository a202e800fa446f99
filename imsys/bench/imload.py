"""Run a load generator in C++ instead of ours: ``chat --generator PROGRAM``.

It is a program that reads the same file of users, does the same, and prints its figures as lines of
``name=value``. It takes less of the processor than Python can, so more is left for the servers that share the
machine with it.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from imsys.bench.processes import bound_to_parent, memory_kib
from imsys.bench.report import Latency, Report
from imsys.bench.tasks import User
from imsys.errors import ConfigError

_COUNTS = {
    "refused": "nacked",
    "unacknowledged": "unacked",
    "lost": r"lost\(acked,never delivered\)",
    "duplicated": "duplicated",
    "misordered": "out_of_order",
    "failed": "failed",
}
_CLOSED = ("closed_by_server", "read_error", "write_error", "bad_frame_from_server")
"""Its names for connections that ended after the login."""


def measure(
    options: argparse.Namespace,
    users: Sequence[User],
    ca: str,
    pids: Mapping[str, int],
    setting: Mapping[str, object],
) -> Report:
    """Run it once. :raises ConfigError: it cannot be run, or fails."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "users"
        path.touch(0o600)
        path.write_text("".join(" ".join(map(str, user)) + "\n" for user in users))
        command = [
            options.generator,
            "chat",
            "--users",
            str(path),
            "--size",
            str(options.size),
            "--window",
            str(options.window),
        ]
        command += [
            "--warmup",
            str(options.warmup),
            "--time",
            str(options.time),
            "--drain",
            str(options.drain),
            "--rate",
            str(options.rate or 0),
        ]
        command += ["--oneway"] if options.oneway else []
        command += ["--tls", *(("--cafile", ca) if ca else ())] if options.tls else []
        command += ["--pid", ",".join(map(str, pids.values()))] if pids else []
        try:
            done = subprocess.run(command, capture_output=True, check=False, preexec_fn=bound_to_parent)  # noqa: S603 (the user names it)
        except OSError as error:
            raise ConfigError(f"--generator {options.generator}: {error.strerror}") from None
    text = done.stdout.decode("utf-8", "replace")
    if done.returncode or "acked_per_s" not in text:
        raise ConfigError(
            f"{options.generator} failed: {(done.stderr.decode('utf-8', 'replace').strip() or text.strip())[-300:]}"
        )
    return parse(text, setting, pids)


def parse(text: str, setting: Mapping[str, object], pids: Mapping[str, int]) -> Report:
    """Convert its figures to one of our reports."""

    def figure(name: str) -> float:
        found = re.search(rf"(?:^|[\s]){name}=([0-9.]+)", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    def latency(name: str) -> Latency:
        found = re.search(
            rf"^{name}_latency_ms: .*?p50=([0-9.]+) p95=([0-9.]+) p99=([0-9.]+) max=([0-9.]+)",
            text,
            re.MULTILINE,
        )
        p50, p95, p99, most = map(float, found.groups()) if found else (0.0,) * 4
        return Latency(p50=p50, p95=p95, p99=p99, max=most)

    notes = {name: int(count) for name, count in re.findall(r"^note (\S+)=([0-9]+)", text, re.MULTILINE)}
    counts = {name: int(figure(theirs)) for name, theirs in _COUNTS.items()}
    seconds, acked = figure("measured_s"), figure("acked_per_s")
    cpu = {}
    for name, pid in pids.items():
        if spent := re.search(rf"^proc {pid}: cpu_s=([0-9.]+) cpu_pct", text, re.MULTILINE):
            cpu[name] = round(float(spent[1]) * 1e6 / max(1.0, acked * seconds), 1)
    return Report(
        scene="chat",
        setting=setting,
        seconds=seconds,
        rates={
            "acknowledged": acked,
            "delivered": figure("delivered_per_s"),
            "logins": figure("logins_per_s"),
        },
        latency={"ack": latency("ack"), "delivery": latency("delivery")},
        counts={
            "messages": int(figure("acked")),
            **counts,
            "closed": sum(notes.get(name, 0) for name in _CLOSED),
        },
        figures={"generator CPU for all its messages, s": figure("loadgen_cpu_s")},
        cpu_ms_per_1000=cpu,
        memory_kib=memory_kib(pids),
        notes=notes,
    )
