"""What both sides of an RTMP connection do alike: handshake, chunks, acknowledgements, answers to pings."""

from __future__ import annotations

from collections.abc import Iterator

from imsys.protocols.rtmp import chunks, messages
from imsys.protocols.rtmp.chunks import ChunkReader, Message
from imsys.protocols.rtmp.handshake import ClientHandshake, ServerHandshake
from imsys.protocols.rtmp.messages import Bandwidth, Event, Type

WINDOW = 2_500_000
"""Bytes that a peer may send before it wants an acknowledgement, unless it says otherwise.

What Flash Media Server began with.
"""

_SMALLEST_WINDOW = 4096
"""A smaller one would only make us talk more: one acknowledgement a read is sent at most."""


class ChunkStreamConnection:
    """The lower half of a connection."""

    __slots__ = (
        "_acknowledged_to",
        "_handshake",
        "_out",
        "_parts",
        "_peer_window",
        "_reader",
        "_received",
        "acknowledged",
        "chunk_size",
    )

    def __init__(self, handshake: ServerHandshake | ClientHandshake, limit: int) -> None:
        self._handshake = handshake
        self._reader = ChunkReader(limit)
        self._out: list[bytes] = []
        self._parts: Iterator[Message] | None = None
        self._received = self._acknowledged_to = 0
        self._peer_window = WINDOW
        self.chunk_size = chunks.DEFAULT_CHUNK
        """Bytes of the chunks that we send."""
        self.acknowledged = 0
        """What the peer has last acknowledged: bytes, of 32 bits."""

    @property
    def ready(self) -> bool:
        """Whether the handshake is done."""
        return self._handshake.done

    @property
    def pending(self) -> int:
        """How many bytes are held: of unfinished messages, and those that have not been looked at."""
        return self._reader.pending

    @property
    def chunks(self) -> int:
        """How many chunks have been read."""
        return self._reader.count

    def allow(self, limit: int) -> None:
        """From now on messages may have so many bytes."""
        self._reader.limit = limit

    def feed(self, data: bytes) -> None:
        """Take what arrived. :raises HandshakeFault: it is no RTMP."""
        self._received += len(data)
        if not self._handshake.done:
            answer, data = self._handshake.receive(data)
            if answer:
                self._out.append(answer)
        self._reader.feed(data)
        if self._received - self._acknowledged_to >= self._peer_window:
            self._acknowledged_to = self._received
            self.control(messages.control(Type.ACKNOWLEDGEMENT, self._received & 0xFFFFFFFF))

    def next(self) -> Message | None:
        """The next command, data, audio or video that is complete; ``None``: there is none. What is about the
        connection itself is obeyed.

        :raises PeerFault: what came is against the rules, or a limit.
        """
        while True:
            if self._parts is not None:
                part = next(self._parts, None)
                if part is not None:
                    return part
                self._parts = None
            message = self._reader.next()
            if message is None:
                return None
            kind = message.type
            if kind == Type.AGGREGATE:
                self._parts = messages.split_aggregate(message)
            elif kind >= Type.AUDIO:
                return message
            elif kind == Type.USER_CONTROL:
                match messages.read_event(message):
                    case Event.PING, value:
                        self.control(messages.user_control(Event.PONG, value))
            elif kind == Type.ACKNOWLEDGEMENT:
                self.acknowledged = messages.read_number(message)
            elif kind == Type.WINDOW:
                self._peer_window = max(messages.read_number(message), _SMALLEST_WINDOW)
            elif kind == Type.PEER_BANDWIDTH:
                messages.read_number(message)

    def control(self, message: Message) -> None:
        """Send a message of the connection."""
        self._out.append(chunks.encode(message, chunks.CONTROL, self.chunk_size))

    def command(self, message: Message) -> None:
        """Send a command."""
        self._out.append(chunks.encode(message, chunks.COMMAND, self.chunk_size))

    def write(self, data: bytes) -> None:
        """Send bytes that are encoded."""
        self._out.append(data)

    def announce(self) -> None:
        """Say how we send and what we want: large chunks, and acknowledgements of what they hold."""
        self.control(messages.control(Type.WINDOW, WINDOW))
        self.control(messages.peer_bandwidth(WINDOW, Bandwidth.DYNAMIC))
        self.control(messages.control(Type.SET_CHUNK_SIZE, chunks.OUR_CHUNK))
        self.chunk_size = chunks.OUR_CHUNK

    def take(self) -> bytes:
        """The bytes that are to be sent; they are given once."""
        data = b"".join(self._out)
        self._out.clear()
        return data
