"""Sending one frame at a time, for clients that take one from each read of their socket.

The original's Qt client does so: of two frames that come together it loses both, or never comes back from
its reading loop. What waits for its turn is bounded as what waits for a slow reader is: beyond a few frames
the connection is told that there is no room.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import msgspec
from twisted.internet.interfaces import IAddress, IDelayedCall, IPushProducer, IReactorTime
from zope.interface import implementer

from imsys.protocols.framing import CHAT, Frame
from imsys.protocols.messages.catch_up import ResyncPush
from imsys.protocols.messages.registry import decode, encode, service_id
from imsys.protocols.messages.texts import TextPush
from imsys.protocols.unsent import Unsent

SEGMENT = 1400
"""Bytes of a push that others are merged into, at most: it travels in one segment, so that no read has but a
part of it.
"""

MANY = 64
"""Frames that may wait; beyond that the connection is told to stop."""

MUCH = 1 << 16
"""Bytes of frames that may wait, likewise."""

FEW = 8
"""Frames that may wait, beyond which pushes that the original does not know are dropped: it has nothing of them, and each
would put off by a pause what it knows. Once they are over it is asked to catch up, in case it is another client.
"""

_TEXTS = service_id(TextPush)
_RESYNC = Frame(service_id(ResyncPush), encode(ResyncPush()))
_UNKNOWN = range(128, 192)
"""The pushes that are not the original's (docs/protocol.md, 12)."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The pause between two frames, in seconds."""

    clock: IReactorTime
    pause: float


class _State(Enum):
    OPEN = auto()
    FULL = auto()  # the producer was told to wait
    ENDING = auto()  # the last frames leave, then the transport is closed
    CLOSED = auto()


class PacedTransport:
    """Spaces the frames of one connection of the chat port; stands between it and its transport.

    :param producer: the connection, which is told to wait while there is no room.
    :param unsent: what waits in all connections together; what waits here is counted with it.
    """

    def __init__(self, transport: Any, producer: IPushProducer, pace: Pace, unsent: Unsent) -> None:
        self._transport = transport
        self._producer: IPushProducer | None = producer
        self._pace = pace
        self._unsent = unsent
        self._waiting: deque[Frame] = deque()
        self._bytes = 0
        self._pausing: IDelayedCall | None = None
        self._blocked = False  # by the peer
        self._state = _State.OPEN
        transport.unregisterProducer()
        transport.registerProducer(_Valve(self), True)

    @property
    def socket(self) -> Any:
        """The transport's socket, if it has one."""
        return getattr(self._transport, "socket", None)

    def getPeer(self) -> IAddress:
        """Return the address at the other end."""
        peer: IAddress = self._transport.getPeer()
        return peer

    # what the connection does

    def write(self, data: bytes) -> None:
        """Queue whole frames; each is sent when its turn comes."""
        for frame in _frames(data):
            self._take(frame)
        self._go_on()
        if (
            (len(self._waiting) > MANY or self._bytes > MUCH)
            and self._state is _State.OPEN
            and self._producer is not None
        ):
            self._state = _State.FULL
            self._producer.pauseProducing()

    def pauseProducing(self) -> None:
        """Stop reading."""
        self._transport.pauseProducing()

    def resumeProducing(self) -> None:
        """Go on reading."""
        self._transport.resumeProducing()

    def unregisterProducer(self) -> None:
        """Forget the connection: it writes nothing more."""
        self._producer = None

    def loseConnection(self) -> None:
        """Close as soon as the last frame was sent."""
        self._state = _State.ENDING
        self._go_on()

    def abortConnection(self) -> None:
        """Close now."""
        self.forget()
        self._transport.abortConnection()

    # what the transport tells

    def blocked(self, blocked: bool) -> None:
        """Hold frames back while the transport's buffer is full, or send them again."""
        self._blocked = blocked
        self._go_on()

    def forget(self) -> None:
        """Drop what waits: the connection is gone."""
        self._waiting.clear()
        self._count(-self._bytes)
        if self._pausing is not None:
            self._pausing.cancel()
            self._pausing = None

    def _count(self, added: int) -> None:
        self._bytes += added
        self._unsent.bytes += added

    def _take(self, frame: Frame) -> None:
        """Queue a frame; merge texts into the last queued push of the same sender, if there is one."""
        if frame.service == _TEXTS:
            for index in range(len(self._waiting) - 1, -1, -1):
                if self._waiting[index].service == _TEXTS:
                    merged = _merged(self._waiting[index].body, frame.body)
                    if merged is not None:
                        self._count(len(merged) - len(self._waiting[index].body))
                        self._waiting[index] = Frame(_TEXTS, merged)
                        return
                    break
        if frame.service in _UNKNOWN and len(self._waiting) >= FEW:
            if _RESYNC in self._waiting:
                return
            frame = _RESYNC
        self._waiting.append(frame)
        self._count(len(frame.body))

    def _go_on(self) -> None:
        if self._pausing is not None or self._blocked:
            return
        if self._waiting:
            frame = self._waiting.popleft()
            self._count(-len(frame.body))
            self._pausing = self._pace.clock.callLater(self._pace.pause, self._next)
            self._transport.write(CHAT.encode(*frame))
        elif self._state is _State.ENDING:
            self._state = _State.CLOSED
            self._transport.unregisterProducer()
            self._transport.loseConnection()

    def _next(self) -> None:
        self._pausing = None
        self._go_on()
        if self._state is _State.FULL and not self._waiting:
            self._state = _State.OPEN
            if self._producer is not None:
                self._producer.resumeProducing()


@implementer(IPushProducer)
class _Valve:
    """Takes the transport's word for a :class:`PacedTransport`, whose own methods of these names are about
    reading.
    """

    def __init__(self, paced: PacedTransport) -> None:
        self._paced = paced

    def pauseProducing(self) -> None:
        self._paced.blocked(True)

    def resumeProducing(self) -> None:
        self._paced.blocked(False)

    def stopProducing(self) -> None:
        self._paced.forget()


def _frames(data: bytes) -> Iterator[Frame]:
    """Cut frames that we have made ourselves, and are complete."""
    start, size = 0, CHAT.header.size
    while start < len(data):
        service, total = CHAT.header.unpack_from(data, start)
        yield Frame(service, data[start + size : start + total])
        start += total


def _merged(one: bytes, other: bytes) -> bytes | None:
    """Merge two pushes into one body; ``None`` where they differ in sender or receiver, or are too large."""
    if len(one) + len(other) > SEGMENT:  # no more than their envelopes is saved
        return None
    first: TextPush = decode(_TEXTS, one)
    second: TextPush = decode(_TEXTS, other)
    if (first.text_sender, first.text_receiver) != (second.text_sender, second.text_receiver):
        return None
    return encode(msgspec.structs.replace(first, text_msg=[*first.text_msg, *second.text_msg]))
