"""``imsys-bench chat``: pairs in closed loop."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from imsys.bench.generator import Result, Task
from imsys.bench.processes import cpu_seconds, memory_kib
from imsys.bench.report import Report, report, table
from imsys.bench.servers import private_servers
from imsys.errors import ConfigError

User = tuple[int, str, str, int, int, int]


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    from imsys.bench import seconds, whole

    parser = commands.add_parser("chat", help="messages a second between pairs of users, each waiting for acknowledgements")
    parser.add_argument(
        "--backend", choices=("sqlite", "mysql"), default="sqlite", help="database of the private servers that are measured"
    )
    parser.add_argument("--pairs", type=whole, default=50, metavar="N", help="pairs of users")
    parser.add_argument("--window", type=whole, default=1, metavar="N", help="texts of a sender that wait for their acknowledgement")
    parser.add_argument("--size", type=whole, default=64, metavar="N", help="characters of a text (26 to 4096)")
    parser.add_argument("--time", type=seconds, default=10.0, metavar="S", help="seconds that are measured")
    parser.add_argument("--warmup", type=seconds, default=2.0, metavar="S", help="seconds before")
    parser.add_argument(
        "--drain", type=seconds, default=10.0, metavar="S", help="seconds to wait for the last messages afterwards, at most"
    )
    parser.add_argument("--oneway", action="store_true", help="only one of each pair sends")
    parser.add_argument("--tls", action="store_true", help="use the TLS port instead of the plaintext one")
    parser.add_argument("--ca", default="", metavar="FILE", help="the authority to trust, with --tls and --users")
    parser.add_argument("--generators", type=whole, default=1, metavar="N", help="processes that make the load")
    parser.add_argument("--reactor", metavar="NAME", help="reactor of the private servers")
    parser.add_argument("--users", metavar="FILE", help="measure running servers, with the users of 'imsys-bench users'")
    parser.add_argument(
        "--pid", action="append", type=_named_pid, default=[], metavar="[NAME=]PID", help="process whose CPU counts, with --users"
    )
    parser.add_argument("--json", nargs="?", const="-", metavar="FILE", help="write the figures as JSON, to a file or instead of the table")
    parser.set_defaults(run=_run)


def _named_pid(text: str) -> tuple[str, int]:
    name, _, number = text.rpartition("=")
    if not number.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no process id")
    return name or f"process {number}", int(number)


def _run(options: argparse.Namespace) -> int:
    if not 26 <= options.size <= 4096:
        raise ConfigError("--size: allowed is 26 to 4096")
    with _target(options) as (users, ca, pids):
        found = measure(options, users, ca, pids)
    if options.json != "-":
        print(table(found))
    if options.json:
        text = json.dumps(asdict(found), indent=2)
        if options.json == "-":
            print(text)
        else:
            _write(Path(options.json), text + "\n")
    return 1 if found.lost or found.duplicated or found.misordered or found.closed else 0


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from None


@contextlib.contextmanager
def _target(options: argparse.Namespace) -> Iterator[tuple[list[User], str, Mapping[str, int]]]:
    if options.users:
        yield read_users(Path(options.users))[: options.pairs * 2], options.ca, dict(options.pid)
        return
    with private_servers(options.backend, options.reactor) as servers, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "users"
        port = servers.tls_port if options.tls else servers.plain_port
        command = [
            sys.executable,
            "-m",
            "imsys.bench",
            "users",
            "--pairs",
            str(options.pairs),
            "--out",
            str(path),
            "--target",
            f"127.0.0.1:{port}",
        ]
        made = subprocess.run(command, env=servers.environ, capture_output=True, check=False)  # noqa: S603 (our own program)
        if made.returncode:
            raise ConfigError(f"the users could not be made: {made.stderr.decode('utf-8', 'replace').strip()}")
        yield read_users(path), servers.ca, servers.pids


def read_users(path: Path) -> list[User]:
    """Read a file of 'imsys-bench users'. :raises ConfigError: it is none."""
    users: list[User] = []
    try:
        for line in path.read_text("utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                uuid, token, host, port, peer, thread = line.split()
                users.append((int(uuid), token, host, int(port), int(peer), int(thread)))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise ConfigError(f"{path}: is no list of users ('uuid token host port peer thread', a line a user)") from None
    if not users or len(users) % 2:
        raise ConfigError(f"{path}: holds {len(users)} users; wanted are pairs, those of a pair one after the other")
    return users


def measure(options: argparse.Namespace, users: list[User], ca: str, pids: Mapping[str, int]) -> Report:
    """Run the generators once.

    :raises ConfigError: somebody cannot log in.
    """
    run = secrets.token_hex(4)
    count = min(options.generators, len(users) // 2)
    shares = [[user for pair in range(index, len(users) // 2, count) for user in users[pair * 2 : pair * 2 + 2]] for index in range(count)]
    generators = [_start(options, share, ca, run) for share in shares]
    try:
        for generator in generators:
            _expect(generator, "ready")
        for generator in generators:
            _tell(generator, b"go\n")
        for generator in generators:
            _expect(generator, "measuring")
        before = cpu_seconds(pids)
        for generator in generators:
            _expect(generator, "measured")
        after, memory = cpu_seconds(pids), memory_kib(pids)
        results = [msgspec.json.decode(_line(generator), type=Result) for generator in generators]
    finally:
        for generator in generators:
            generator.kill()
            generator.wait()
    cpu = {name: spent - before[name] for name, spent in after.items() if name in before}
    return report(results, _setting(options, len(users) // 2), cpu, memory)


def _setting(options: argparse.Namespace, pairs: int) -> dict[str, object]:
    return {
        "backend": "given" if options.users else options.backend,
        "pairs": pairs,
        "window": options.window,
        "size": options.size,
        "seconds": options.time,
        "tls": options.tls,
        "oneway": options.oneway,
        "generators": options.generators,
        "reactor": options.reactor or "default",
        "python": platform.python_version(),
        "cores": os.cpu_count(),
    }


def _start(options: argparse.Namespace, users: list[User], ca: str, run: str) -> subprocess.Popen[bytes]:
    task = Task(
        users=users,
        window=options.window,
        size=options.size,
        warmup=options.warmup,
        time=options.time,
        drain=options.drain,
        tls=options.tls,
        ca=ca,
        oneway=options.oneway,
        run=run,
    )
    child = subprocess.Popen([sys.executable, "-m", "imsys.bench.generator"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    _tell(child, msgspec.json.encode(task) + b"\n")
    return child


def _tell(child: subprocess.Popen[bytes], line: bytes) -> None:
    assert child.stdin is not None
    child.stdin.write(line)
    child.stdin.flush()


def _line(child: subprocess.Popen[bytes]) -> bytes:
    assert child.stdout is not None
    line = child.stdout.readline()
    if not line:
        raise ConfigError("a generator ended early")
    return line


def _expect(child: subprocess.Popen[bytes], word: str) -> None:
    line = _line(child).decode("utf-8", "replace").strip()
    if line != word:
        raise ConfigError(line.removeprefix("failed ") or "a generator failed")
