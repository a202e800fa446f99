"""``imsys-bench users``: pairs of friends with tokens, made in the database and in Redis without a login, and
the file of them.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from imsys.bench.processes import finished
from imsys.bench.tasks import User
from imsys.config import load
from imsys.errors import ConfigError, Refused


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    from imsys.bench.options import whole

    parser = commands.add_parser("users", help="make pairs of friends, and a file of them for 'chat --users'")
    parser.add_argument(
        "-c", "--config", metavar="FILE", help="configuration of the servers; the environment counts as well"
    )
    parser.add_argument("--pairs", type=whole, default=50, metavar="N", help="pairs of friends to make")
    parser.add_argument(
        "--friends",
        type=whole,
        default=1,
        metavar="N",
        help="friends that each of them has, with the other one of the pair",
    )
    parser.add_argument(
        "--devices", type=int, default=0, metavar="N", help="devices that each of them is on (default: none)"
    )
    parser.add_argument(
        "--out",
        required=True,
        metavar="FILE",
        help="where to write 'uuid token host port peer thread', a line a user",
    )
    parser.add_argument(
        "--target",
        action="append",
        metavar="HOST:PORT",
        help="chat port; with several, the users of a pair get different ones (default: the configuration's)",
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from twisted.internet import reactor
    from twisted.internet.defer import Deferred

    from imsys.bench.population import make_users
    from imsys.services.first_start import check_tables

    config = load(options.config or os.environ.get("IMSYS_CONFIG") or None, os.environ)
    check_tables(config.database)
    targets = [_target(text) for text in options.target or ()]
    status = [1]
    real: Any = reactor

    async def work() -> None:
        try:
            lines = await make_users(real, config, options.pairs, targets, options.friends, options.devices)
        except Refused as refusal:
            raise ConfigError(refusal.message) from refusal
        _write(Path(options.out), lines)
        print(f"{len(lines)} users in {options.out}")
        status[0] = 0

    def failed(reason: Any) -> None:
        sys.stderr.write(
            f"imsys-bench: {reason.value if reason.check(ConfigError) else reason.getTraceback()}\n"
        )

    real.callWhenRunning(
        lambda: Deferred.fromCoroutine(work()).addErrback(failed).addBoth(lambda _: real.stop())
    )
    real.run()
    return status[0]


def _target(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal():
        raise ConfigError(f"--target {text}: allowed is host:port")
    return host.strip("[]"), int(port)


def _write(path: Path, lines: Sequence[str]) -> None:
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write("\n".join(lines) + "\n")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from None


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
        raise ConfigError(
            f"{path}: is no list of users ('uuid token host port peer thread', a line a user)"
        ) from None
    if not users or len(users) % 2:
        raise ConfigError(
            f"{path}: holds {len(users)} users; wanted are pairs, those of a pair one after the other"
        )
    return users


def users_of(
    environ: Mapping[str, str], addresses: Sequence[str], pairs: int, friends: int = 1, devices: int = 0
) -> list[User]:
    """Make users for servers of ours, in a process of its own (a reactor runs once).

    :raises ConfigError: it failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "users"
        command = [
            sys.executable,
            "-m",
            "imsys.bench",
            "users",
            "--pairs",
            str(pairs),
            "--friends",
            str(friends),
            "--devices",
            str(devices),
            "--out",
            str(path),
        ]
        for address in addresses:
            command += ["--target", address]
        made = finished(command, environ)
        if made.returncode:
            raise ConfigError(
                f"the users could not be made: {made.stderr.decode('utf-8', 'replace').strip()}"
            )
        return read_users(path)
