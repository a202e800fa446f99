"""What one chat server has another push to its users."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from imsys.cluster.stubs import imsys_v1_pb2


@dataclass(frozen=True, slots=True)
class RemotePush:
    """One frame for some users: its service id and its JSON.

    ``hops`` counts the servers that passed it on, ``threads`` are those it belongs to.
    """

    users: tuple[int, ...]
    service: int
    body: bytes
    hops: int = 0
    threads: tuple[int, ...] = ()


class PeerHandler(Protocol):
    """What this server does for its peers; called on the reactor."""

    def receive(self, pushes: Sequence[RemotePush]) -> None:
        """Push to users of this server."""
        ...

    def resync(self, users: Sequence[int] | None) -> None:
        """Ask sessions to catch up: those of these users, as far as they are here; ``None``: every session of this server."""
        ...

    async def end_session(self, uuid: int, session: str | None, message: str) -> bool:
        """End a user's session if it is the one named (``None``: whichever is there); tells whether there was one."""
        ...


def size(push: RemotePush) -> int:
    """Bytes that a push takes in a batch, roughly."""
    return len(push.body) + 6 * (len(push.users) + len(push.threads)) + 16


def to_batch(sequence: int, pushes: Iterable[RemotePush], resync: Sequence[int] | bool | None) -> imsys_v1_pb2.Batch:
    """A batch as it travels.

    :param resync: users who may have missed something; ``None``: all; ``False``: nobody.
    """
    entry = imsys_v1_pb2.Entry
    batch = imsys_v1_pb2.Batch(
        sequence=sequence,
        entries=[
            entry(users=push.users, service=push.service, body=push.body, hops=push.hops, threads=push.threads) for push in pushes
        ],
    )
    if resync is None:
        batch.resync.all = True
    elif not isinstance(resync, bool):
        batch.resync.users.extend(resync)
    return batch


def from_batch(batch: imsys_v1_pb2.Batch) -> list[RemotePush]:
    """The pushes of a batch."""
    return [RemotePush(tuple(e.users), e.service, e.body, e.hops, tuple(e.threads)) for e in batch.entries]
