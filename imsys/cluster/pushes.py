"""Pushes and news that chat servers send each other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple, Protocol

from imsys.cluster.stubs import imsys_v1_pb2
from imsys.protocols.framing import CHAT
from imsys.protocols.messages.registry import Message, encode, service_id


class RemotePush(NamedTuple):
    """A frame of the chat port, including its header, for some users, or for the members of a group.

    ``hops`` counts the servers that sent it on. ``version`` is that of the members' list that it is for.
    """

    users: tuple[int, ...]
    frame: bytes
    hops: int = 0
    thread: int = 0
    """The group; 0: it is for the users."""
    version: int = 0

    @property
    def service(self) -> int:
        """The service id in the frame's header."""
        return int.from_bytes(self.frame[:2], "big")

    @property
    def body(self) -> bytes:
        """The JSON body of the frame."""
        return self.frame[CHAT.header.size :]


News = Mapping[int, int]
"""Logins and ends of sessions by user: the time of the login (milliseconds since 1970); negated if it has ended, and
there is no other of that user."""

GONE = -(1 << 62)
"""In news: this user has no session here, whenever it began."""


class PeerHandler(Protocol):
    """Handles the requests of peers; called on the reactor."""

    def receive(self, pushes: Sequence[RemotePush], relay: bool = False) -> None:
        """Push to users of this server.

        ``relay``: and to their sessions on others, which the sender does not know.
        """
        ...

    def resync(self, users: Sequence[int] | None) -> None:
        """Ask these users of this server to catch up; ``None``: all of them."""
        ...

    def resync_spread(self) -> None:
        """Ask those users of this server who have sessions on others, too, to catch up."""
        ...

    def resync_groups(self, threads: Sequence[int]) -> None:
        """Ask the members of these groups who are at this server to catch up."""
        ...

    def hear(self, node: str, news: News, everything: bool, beside: Collection[int] = frozenset()) -> None:
        """Note logins and ends of sessions on a peer.

        ``everything``: any user's state may have changed there. ``beside``: those of the users who have sessions on
        other servers, too.
        """
        ...

    def broken(self) -> None:
        """Note that the stream to a peer is broken; the peer may be gone."""
        ...

    def lost(self, node: str) -> None:
        """Note that a peer is gone."""
        ...

    async def end_session(self, uuid: int, session: str | None, message: str, device: str = "") -> bool:
        """End a user's session of a device, if it has this id; return whether it did.

        :param session: ``None``: all sessions of the user.
        """
        ...


def push_of(users: Iterable[int], message: Message) -> RemotePush:
    """Encode a message as a push. :raises ValueError: it does not fit into a frame."""
    return RemotePush(tuple(users), CHAT.encode(service_id(type(message)), encode(message)))


def size(push: RemotePush) -> int:
    """Return the approximate bytes of a push in a batch."""
    return len(push.frame) + 6 * len(push.users) + 8


def pack(pushes: Sequence[RemotePush]) -> imsys_v1_pb2.Pushes:
    """Pack pushes for the wire: all frames in one byte string, beside lists of numbers."""
    groups = [push.thread for push in pushes]
    some = any(groups)
    return imsys_v1_pb2.Pushes(
        frames=b"".join([push.frame for push in pushes]),
        lengths=[len(push.frame) for push in pushes],
        hops=[push.hops for push in pushes],
        counts=[len(push.users) for push in pushes],
        users=[user for push in pushes for user in push.users],
        groups=groups if some else (),
        versions=[push.version for push in pushes] if some else (),
    )


def unpack(packed: imsys_v1_pb2.Pushes) -> list[RemotePush]:
    """Unpack the pushes of a batch. :raises ValueError: the lists do not match."""
    frames, users, hops = packed.frames, tuple(packed.users), packed.hops
    ends, counts = list(accumulate(packed.lengths)), packed.counts
    if (
        not len(ends) == len(counts) == len(hops)
        or (ends[-1] if ends else 0) != len(frames)
        or sum(counts) != len(users)
        or not len(packed.groups) == len(packed.versions) in (0, len(ends))
    ):
        raise ValueError("a batch whose lists do not fit together")
    pieces = [frames[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    if len(users) == len(ends) and all(counts) and not packed.groups:
        return [RemotePush((user,), frame, hop) for user, frame, hop in zip(users, pieces, hops, strict=True)]
    lasts = accumulate(counts)
    groups, versions = list(packed.groups) or [0] * len(ends), list(packed.versions) or [0] * len(ends)
    return [
        RemotePush(users[last - count : last], frame, hop, group, version)
        for last, count, frame, hop, group, version in zip(
            lasts, counts, pieces, hops, groups, versions, strict=True
        )
    ]
