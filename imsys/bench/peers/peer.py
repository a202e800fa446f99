"""A server that is measured beside others, whatever it speaks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from imsys.bench.peers.xmpp import name_of
from imsys.bench.tasks import LogIn, Task, User
from imsys.bench.workers import crew
from imsys.errors import ConfigError

Copy = tuple[int, int, int]
"""A message in somebody's archive: whose archive, who sent it, which one of theirs it is."""

_PASSWORD = "measured"  # noqa: S105 (of accounts that live as long as a measurement, on loopback)
_SENDER = re.compile(rf"""\sfrom\s*=\s*["']{name_of(0)[:-1]}(\d+)@""")
_NUMBER = re.compile(r"<body>([0-9a-f]{8}):([0-9a-f]+):")


class Peer(Protocol):
    """A running server with accounts, in a folder of its own."""

    label: str
    """What tables call it."""
    xmpp: bool

    @property
    def pids(self) -> Mapping[str, int]:
        """Its processes: ``server``, and ``database`` where that is another one."""

    def users(self, pairs: int) -> list[User]:
        """Make so many pairs of users. :raises ConfigError: it does not accept them."""

    def restart(self) -> None:
        """Start the server again, which was killed. :raises ConfigError: it does not start."""

    def copies(self, run: str, users: Sequence[User]) -> set[Copy]:
        """Return what the archives of these users have of a run, as it is in the database."""


def registered(port: int, pairs: int) -> list[User]:
    """Create the accounts of so many pairs at an XMPP server of loopback. :raises ConfigError: it refuses."""
    users: list[User] = [
        (number, _PASSWORD, "127.0.0.1", port, number + (1 if number % 2 else -1), 0)
        for number in range(1, 2 * pairs + 1)
    ]
    task = Task(users=users, work=LogIn(time=120.0, register=True), xmpp=True, at_once=16)
    with crew([task], {}) as members:
        made = members.work().result
    if made.counts["failed"] or made.counts["arrived"] < len(users):
        why = next(iter(made.notes), "it took too long")
        raise ConfigError(f"the accounts could not be made: {why}")
    return users


def copy_of(owner: str, stanza: str, run: str) -> Copy | None:
    """Read a message of an XMPP archive; nothing where it is not one of this run."""
    sender, number = _SENDER.search(stanza), _NUMBER.search(stanza)
    if sender is None or number is None or number[2] != run:
        return None
    return int(owner.removeprefix(name_of(0)[:-1])), int(sender[1]), int(number[1], 16)
