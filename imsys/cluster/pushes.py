"""What one chat server has another push to its users, and tells it about its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple, Protocol

from imsys.cluster.stubs import imsys_v1_pb2
from imsys.protocols.framing import CHAT
from imsys.protocols.messages.registry import Message, encode, service_id


class RemotePush(NamedTuple):
    """One frame of the chat port, header and all, for some users; ``hops`` counts the servers that passed it on."""

    users: tuple[int, ...]
    frame: bytes
    hops: int = 0

    @property
    def service(self) -> int:
        """The service id in the frame's header."""
        return int.from_bytes(self.frame[:2], "big")

    @property
    def body(self) -> bytes:
        """The JSON behind it."""
        return self.frame[CHAT.header.size :]


News = Mapping[int, int]
"""Who came and went: the time of the login (milliseconds since 1970) of a user who has a session here, minus that of one who had."""

GONE = -(1 << 62)
"""In news: there is no session of this user, whenever it began."""


class PeerHandler(Protocol):
    """What this server does for its peers; called on the reactor."""

    def receive(self, pushes: Sequence[RemotePush]) -> None:
        """Push to users of this server."""
        ...

    def resync(self, users: Sequence[int] | None) -> None:
        """Ask sessions to catch up: those of these users, as far as they are here; ``None``: every session of this server."""
        ...

    def hear(self, node: str, news: News, everything: bool) -> None:
        """Who came to and went from a peer; ``everything``: more has changed there than it can tell."""
        ...

    def broken(self) -> None:
        """The stream to a peer is broken; it may be gone."""
        ...

    def lost(self, node: str) -> None:
        """A peer is not there any more."""
        ...

    async def end_session(self, uuid: int, session: str | None, message: str) -> bool:
        """End a user's session if it is the one named (``None``: whichever is there); tells whether there was one."""
        ...


def push_of(users: Iterable[int], message: Message) -> RemotePush:
    """A message as a push. :raises ValueError: it does not fit into a frame."""
    return RemotePush(tuple(users), CHAT.encode(service_id(type(message)), encode(message)))


def size(push: RemotePush) -> int:
    """Bytes that a push takes in a batch, roughly."""
    return len(push.frame) + 6 * len(push.users) + 8


def pack(pushes: Sequence[RemotePush]) -> imsys_v1_pb2.Pushes:
    """Pushes as they travel: the frames in one piece, unparsed, beside lists of numbers."""
    return imsys_v1_pb2.Pushes(
        frames=b"".join([push.frame for push in pushes]),
        lengths=[len(push.frame) for push in pushes],
        hops=[push.hops for push in pushes],
        counts=[len(push.users) for push in pushes],
        users=[user for push in pushes for user in push.users],
    )


def unpack(packed: imsys_v1_pb2.Pushes) -> list[RemotePush]:
    """The pushes of a batch. :raises ValueError: the lists do not fit together."""
    frames, users, hops = packed.frames, tuple(packed.users), packed.hops
    ends, counts = list(accumulate(packed.lengths)), packed.counts
    if not len(ends) == len(counts) == len(hops) or (ends[-1] if ends else 0) != len(frames) or sum(counts) != len(users):
        raise ValueError("a batch whose lists do not fit together")
    pieces = [frames[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    if len(users) == len(ends) and all(counts):
        return [RemotePush((user,), frame, hop) for user, frame, hop in zip(users, pieces, hops, strict=True)]
    lasts = accumulate(counts)
    return [RemotePush(users[last - count : last], frame, hop) for last, count, frame, hop in zip(lasts, counts, pieces, hops, strict=True)]
