"""Control the process of a cluster's users, which runs on a host of its own."""

from __future__ import annotations

import secrets
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import msgspec
from argon2 import PasswordHasher

from imsys.bench.lab.cluster import Cluster, Machine
from imsys.bench.lab.words import (
    Account,
    Command,
    Guest,
    Invitation,
    Look,
    Move,
    Reset,
    Said,
    Say,
    State,
    Talk,
    Tell,
)
from imsys.bench.processes import bound_to_parent
from imsys.bench.users import users_of
from imsys.config import GatewayConfig
from imsys.errors import ConfigError

_PATIENCE = 60.0
"""Seconds that the process of the users may take to answer."""
_GLANCE = 0.05
_MOVING = 5.0
"""Seconds after which a user who has not reached the other server tries again."""

A = TypeVar("A", State, Said, Account)


class People:
    """Pairs of friends who write to each other, by the client library.

    At first the two of each pair are on different chat servers.
    """

    def __init__(self, cluster: Cluster, pairs: int) -> None:
        self._cluster = cluster
        self.guests = _guests(cluster, pairs)
        self.peer_of = {guest.uuid: guest.peer for guest in self.guests}
        self.thread_of = {guest.uuid: guest.thread for guest in self.guests}
        self._log = cluster.home / "users.log"
        self._child = _spawn(cluster, self._log)
        password = _set_password(cluster, self.guests)
        servers = [chat.host.address for chat in cluster.chats]
        invitation = Invitation(
            gateway=cluster.gateway_url, ca=cluster.ca, guests=self.guests, servers=servers, password=password
        )
        try:
            self._send(msgspec.json.encode(invitation))
            self._receive(State)
        except BaseException:
            self._end()
            raise

    def __enter__(self) -> People:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()

    def look(self, since: float = 0.0) -> State:
        """Return the current state.

        :param since: from when on texts count for ``first``; it must not go back from call to call.
        """
        return self._ask(Look(since), State)

    def talk(self, rate: float) -> None:
        """Have all of them together write so many texts a second; 0: nobody writes any more."""
        self._ask(Talk(len(self.guests) / rate if rate else 0.0), State)

    def spread(self, deadline: float) -> bool:
        """Have everybody go where they were at first, while nobody writes.

        Whether all of them are there within ``deadline`` seconds.
        """
        home = {guest.uuid: guest.host for guest in self.guests}
        end = time.monotonic() + deadline
        while time.monotonic() < end:
            where = self.look().where
            if not (away := {uuid: host for uuid, host in home.items() if where.get(uuid) != host}):
                return True
            self._ask(Move(away), State)
            again = time.monotonic() + _MOVING
            while len(self.look().online) < len(self.guests) and time.monotonic() < again:
                time.sleep(_GLANCE)
        return False

    def say(self, *uuids: int) -> list[int]:
        """Have some users write a text each, now; return the texts' numbers."""
        return self._ask(Say(list(uuids)), Said).numbers

    def reset(self, uuids: Sequence[int]) -> None:
        """Reset the connections of these users in the middle of a frame."""
        self._ask(Reset(list(uuids)), State)

    def tell(self) -> Account:
        """Return the texts written and received since the last call, and those that were open then."""
        return self._ask(Tell(), Account)

    def at(self, machine: Machine) -> list[int]:
        """Return the users who are connected to a chat server."""
        return [uuid for uuid, where in self.look().where.items() if where == machine.host.address]

    def wait_for_first(self, since: float, uuids: Sequence[int], deadline: float) -> dict[int, float]:
        """Wait until each of these users has an acknowledgement of a text begun after some time.

        :return: seconds from that time on, for those who have one within ``deadline`` seconds of it.
        """
        while True:
            state = self.look(since)
            if all(uuid in state.first for uuid in uuids) or state.now > since + deadline:
                return {uuid: state.first[uuid] - since for uuid in uuids if uuid in state.first}
            time.sleep(_GLANCE)

    def settle(self, deadline: float) -> State:
        """Wait until everybody is online, all texts are acknowledged, and all are heard.

        For ``deadline`` seconds at most.
        """
        end = time.monotonic() + deadline
        while True:
            state = self.look()
            settled = not state.unacknowledged and not state.unheard and len(state.online) == len(self.guests)
            if settled or time.monotonic() > end:
                return state
            time.sleep(_GLANCE)

    def _end(self) -> None:
        self._child.kill()
        self._child.communicate()

    def _ask(self, command: Command, kind: type[A]) -> A:
        self._send(msgspec.json.encode(command))
        return self._receive(kind)

    def _send(self, line: bytes) -> None:
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(line + b"\n")
            self._child.stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None

    def _receive(self, kind: type[A]) -> A:
        assert self._child.stdout is not None
        ready, _, _ = select.select([self._child.stdout], [], [], _PATIENCE)
        if not ready or not (line := self._child.stdout.readline()):
            raise self._ended()
        return msgspec.json.decode(line, type=kind)

    def _ended(self) -> ConfigError:
        last = " / ".join(self._log.read_text("utf-8", "replace").strip().splitlines()[-3:])
        return ConfigError(f"the process of the users ended, or does not answer: {last}")


def _guests(cluster: Cluster, pairs: int) -> list[Guest]:
    targets = [f"{machine.host.address}:8444" for machine in cluster.chats]
    made = users_of(cluster.environ, targets, pairs)
    names = dict(cluster.database.rows("SELECT user_id, username FROM imsys.accounts"))
    return [
        Guest(uuid=uuid, username=names[uuid], token=token, peer=peer, thread=thread, host=host, port=port)
        for uuid, token, host, port, peer, thread in made
    ]


def _set_password(cluster: Cluster, guests: Sequence[Guest]) -> str:
    """Give all of them the same password."""
    password, config = secrets.token_hex(16), GatewayConfig()
    hasher = PasswordHasher(
        time_cost=config.hash_time, memory_cost=config.hash_memory, parallelism=config.hash_parallelism
    )
    users = ",".join(str(guest.uuid) for guest in guests)
    cluster.database.execute(
        f"UPDATE imsys.accounts SET password_hash = '{hasher.hash(password)}' WHERE user_id IN ({users})"  # noqa: S608
    )
    return password


def _spawn(cluster: Cluster, log: Path) -> subprocess.Popen[bytes]:
    enter = cluster.users.enter

    def prepare() -> None:
        enter()
        bound_to_parent()

    with log.open("ab") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", "imsys.bench.lab.company"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            preexec_fn=prepare,
            start_new_session=True,
        )
