"""``imsys-bench client``: the desktop client in a real window (Xvfb), with a conversation of 100,000
messages.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from imsys.bench.options import add_output, seconds, whole
from imsys.bench.processes import bound_to_parent, end
from imsys.bench.report import Latency, Report, publish
from imsys.bench.servers import Servers, Setup, private_servers
from imsys.bench.tasks import User
from imsys.bench.users import users_of
from imsys.errors import ConfigError

PARTS = ("wheel", "bar", "keys", "idle", "many", "film", "long")
_LATE_S = 240.0
"""How long a run of the client may say nothing, beside the minutes that it is to wait."""


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "client", help="the desktop client: first paint, frames, memory, processor, echo of a key"
    )
    parser.add_argument(
        "--messages",
        type=whole,
        default=100_000,
        metavar="N",
        help="messages of the conversation that is opened",
    )
    parser.add_argument("--starts", type=whole, default=5, metavar="N", help="times that it is started")
    parser.add_argument(
        "--minutes",
        type=seconds,
        default=30.0,
        metavar="N",
        help="how long 5 messages a second come in; 0: they do not",
    )
    parser.add_argument(
        "--only",
        metavar="PART,…",
        help=f"only some parts of {', '.join(PARTS)}; it is always started and opened",
    )
    add_output(parser)
    parser.set_defaults(run=lambda options: publish(options, measure(options)), measure=measure)


def measure(options: argparse.Namespace) -> list[Report]:
    """Measure all parts once.

    :raises ConfigError: something is missing, or the client did not do what it was to.
    """
    parts = PARTS if options.only is None else tuple(options.only.split(","))
    if unknown := set(parts) - set(PARTS):
        raise ConfigError(f"--only {','.join(sorted(unknown))}: there are {', '.join(PARTS)}")
    if not options.minutes:
        parts = tuple(part for part in parts if part != "long")
    if importlib.util.find_spec("PySide6") is None:
        raise ConfigError("the desktop client is not installed: pip install 'imsys[client]'")
    began, load = time.monotonic(), os.getloadavg()[0]
    with contextlib.ExitStack() as stack:
        servers = stack.enter_context(private_servers(Setup()))
        home = Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="imsys-client-", ignore_cleanup_errors=True)
            )
        )
        me, other = users_of(servers.environ, servers.addresses(tls=True), 1)
        _prepare(servers, home, me, options.messages)
        environ = _environment(home, stack.enter_context(_screen()))
        peer = stack.enter_context(_peer(servers, other))
        said: list[dict[str, Any]] = []
        for _ in range(options.starts - 1):
            said += _run(environ, home, peer, (), 0.0)
        said += _run(environ, home, peer, tuple(part for part in parts if part != "film"), options.minutes)
        if "film" in parts:
            said.append(_film(environ))
    setting = {
        "messages": options.messages,
        "starts": options.starts,
        "minutes": options.minutes if "long" in parts else 0,
    }
    setting |= {"load before": round(load, 1), "load after": round(os.getloadavg()[0], 1)}
    return [_report(setting, said, time.monotonic() - began)]


def _report(setting: Mapping[str, object], said: Sequence[Mapping[str, Any]], lasted: float) -> Report:
    def all_of(name: str, key: str, factor: float = 1.0) -> float | None:
        values = [one[key] * factor for one in said if one["name"] == name]
        return round(statistics.median(values), 2) if values else None

    by_name = {(one["name"], one.get("when", "")): one for one in said}
    figures = {
        "first paint, s": all_of("start", "first"),
        "list, s": all_of("start", "list"),
        "conversation, ms": all_of("conversation", "seconds", 1000),
        "idle, % of a core": all_of("idle", "percent"),
        "200 a second, % of a core": all_of("many", "percent"),
    }
    counts: dict[str, int] = {}
    waits: dict[str, Latency] = {}
    for part in ("wheel", "bar"):
        if one := by_name.get((part, "")):
            waits |= {
                f"frame, {part}": Latency(**one["frame"]),
                f"frame from when it was due, {part}": Latency(**one["due"]),
                f"processor time of a frame, {part}": Latency(**one["work"]),
            }
            counts |= {f"frames, {part}": one["frames"], f"late frames, {part}": one["late"]}
    if one := by_name.get(("keys", "")):
        waits["echo of a key"] = Latency(**one["echo"])
    if one := by_name.get(("memory", "open")):
        figures |= {"memory, MB": one["resident"], "memory of its own, MB": one["private"]}
    if one := by_name.get(("memory", "after")):
        figures |= {
            "memory after the minutes, MB": one["resident"],
            "5 a second, % of a core": one["percent"],
        }
    if one := by_name.get(("film", "")):
        figures |= {
            "720p30, % of a core": round(100 * one["cpu of ours"], 1),
            "720p30, ffmpeg, % of a core": round(100 * one["cpu of ffmpeg"], 1),
        }
        figures["720p30, longest from picture to picture, ms"] = one["gap ms, worst"]
        counts |= {"film pictures": one["shown"], "film pictures dropped": one["dropped"]}
    found = {name: value for name, value in figures.items() if value is not None}
    return Report(
        scene="client", setting=setting, seconds=round(lasted, 1), latency=waits, counts=counts, figures=found
    )


def _prepare(servers: Servers, home: Path, me: User, messages: int) -> None:
    uuid, token, _, _, other, thread = me
    words = [str(home), _url(servers), servers.ca, "me", str(uuid), str(thread), str(other), str(messages)]
    done = subprocess.run(  # noqa: S603 (our own program)
        [sys.executable, "-m", "client.bench.prepare", *words],
        input=f"{token}\n",
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise ConfigError(f"the account could not be made: {done.stderr.strip()[-300:]}")


def _url(servers: Servers) -> str:
    return f"https://127.0.0.1:{servers.environ['IMSYS_GATEWAY_PORT']}"


def _environment(home: Path, display: str) -> dict[str, str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("IMSYS_", "QT_"))}
    return environ | {
        "DISPLAY": display,
        "IMSYS_CLIENT_HOME": str(home),
        "LIBGL_ALWAYS_SOFTWARE": "1",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "QT_QPA_PLATFORM": "xcb",
    }


@contextlib.contextmanager
def _screen() -> Iterator[str]:
    program = shutil.which("Xvfb")
    if program is None:
        raise ConfigError("there is no Xvfb on the PATH: apt install xvfb")
    read, write = os.pipe()
    with os.fdopen(read) as answer:
        command = [
            program,
            "-displayfd",
            str(write),
            "-screen",
            "0",
            "1600x1000x24",
            "-nolisten",
            "tcp",
            "+extension",
            "GLX",
        ]
        server = subprocess.Popen(  # noqa: S603
            command, pass_fds=(write,), stderr=subprocess.DEVNULL, preexec_fn=bound_to_parent
        )
        os.close(write)
        try:
            yield f":{answer.readline().strip()}"
        finally:
            server.terminate()
            server.wait()


@contextlib.contextmanager
def _peer(servers: Servers, other: User) -> Iterator[subprocess.Popen[str]]:
    uuid, token, _, _, _, thread = other
    command = [
        sys.executable,
        "-m",
        "imsys.bench.client_peer",
        _url(servers),
        servers.ca,
        str(uuid),
        str(thread),
    ]
    with subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=bound_to_parent
    ) as peer:
        assert peer.stdin is not None
        assert peer.stdout is not None
        peer.stdin.write(f"{token}\n")
        peer.stdin.flush()
        try:
            if peer.stdout.readline() != "ready\n":
                raise ConfigError("the one who writes could not sign in")
            yield peer
        finally:
            peer.stdin.close()


def _run(
    environ: Mapping[str, str], home: Path, peer: subprocess.Popen[str], parts: Sequence[str], minutes: float
) -> list[dict[str, Any]]:
    """One run of the client; what it said."""
    said: list[dict[str, Any]] = []
    assert peer.stdin is not None
    log = home / "client.output"
    (home / "preferences.json").unlink(missing_ok=True)  # it would begin with the conversation open
    with log.open("ab") as errors:
        child = subprocess.Popen(  # noqa: S603 (our own program)
            [sys.executable, "-m", "client.bench", ",".join(parts), str(minutes)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**environ, "IMSYS_BENCH_BEGAN": str(time.monotonic())},
            preexec_fn=bound_to_parent,
        )
    late = threading.Timer(_LATE_S + 120 * minutes + 60 * len(parts), child.kill)
    late.start()
    try:
        assert child.stdout is not None
        for line in child.stdout:
            one = json.loads(line)
            if one["name"] == "failed":
                raise ConfigError(f"the client failed: {one['problem']} {one['details']}")
            if one["name"] == "write":
                peer.stdin.write(f"{one['rate']} {one['count']}\n")
                peer.stdin.flush()
            said.append(one)
            print(json.dumps(one), file=sys.stderr, flush=True)
        if child.wait(30):
            raise ConfigError(
                f"the client ended with status {child.returncode}: {log.read_text('utf-8', 'replace').strip()[-500:]}"
            )
    finally:
        late.cancel()
        end(child)
    return said


def _film(environ: Mapping[str, str]) -> dict[str, Any]:
    """A film of 720p30, played in the widget that conversations have."""
    done = subprocess.run(
        [sys.executable, "-m", "client.video.measuring"],
        env=dict(environ),
        capture_output=True,
        text=True,
        timeout=_LATE_S,
        check=False,
    )
    if done.returncode:
        raise ConfigError(f"the film could not be played: {done.stderr.strip()[-300:]}")
    return {"name": "film", **json.loads(done.stdout)}
