"""One RTMP connection as its client sees it: it connects, and publishes or plays one stream; no sockets.

How it is used::

    connection = ClientConnection("live", "stream?key=…", Purpose.PLAY)
    transport.write(connection.take())                 # the handshake begins here
    def dataReceived(self, data):
        for event in connection.receive(data): ...     # raises PeerFault, at its end
        self.transport.write(connection.take())

A publisher sends with :meth:`ClientConnection.send` once it is :class:`Started`.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from imsys.protocols.media import Kind, Media, media
from imsys.protocols.rtmp import chunks, messages
from imsys.protocols.rtmp.amf0 import Value
from imsys.protocols.rtmp.chunks import MEDIA_STREAM, Message
from imsys.protocols.rtmp.handshake import ClientHandshake
from imsys.protocols.rtmp.link import ChunkStreamConnection
from imsys.protocols.rtmp.messages import Command, Event, MessageFault, Type
from imsys.protocols.rtmp.server import MediaReceived

LONGEST = 16 * 1024 * 1024
"""Bytes of the longest message that is taken, unless told otherwise: all that can be."""

_CONNECT, _CREATE, _START = 1, 2, 3
"""Our transactions, one after the other."""

_BUFFER = 1000
"""Milliseconds that a player says it keeps; live servers do not care."""

_TOLD = 500
"""Characters of a server's explanation that are kept."""

_STARTED = ("NetStream.Publish.Start", "NetStream.Play.Start")
_OVER = ("NetStream.Play.UnpublishNotify", "NetStream.Play.Stop", "NetStream.Play.Complete")


class Purpose(enum.Enum):
    """What a connection is for."""

    PUBLISH = "publish"
    PLAY = "play"


@dataclass(frozen=True, slots=True)
class Started:
    """The server has agreed: what follows is media."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The server has refused, or broken off; the connection is of no more use."""

    code: str
    description: str


@dataclass(frozen=True, slots=True)
class Over:
    """What is played has ended."""


ClientEvent: TypeAlias = Started | Failed | Over | MediaReceived


class ClientConnection:
    """The state of one connection, from handshake to goodbye."""

    __slots__ = ("_app", "_connect", "_greeted", "_link", "_name", "_over", "_purpose", "started")

    def __init__(
        self,
        app: str,
        name: str,
        purpose: Purpose,
        *,
        longest: int = LONGEST,
        properties: Mapping[str, Value] | None = None,
    ) -> None:
        """``name`` is the stream's with all that is behind its question mark; ``properties`` are for the
        connect command.
        """
        handshake = ClientHandshake()
        self._link = ChunkStreamConnection(handshake, longest)
        self._link.write(handshake.hello())
        self._app = app
        self._name = name
        self._purpose = purpose
        self._connect: dict[str, Value] = {
            "app": app,
            "flashVer": "FMLE/3.0 (compatible; imsys)",
            "tcUrl": "",
            **(properties or {}),
        }
        self._greeted = False
        self._over = False
        self.started = False

    def take(self) -> bytes:
        """The bytes that are to be sent; they are given once."""
        return self._link.take()

    def receive(self, data: bytes) -> Iterator[ClientEvent]:
        """Take what arrived; give out what it means. Run it to its end.

        :raises PeerFault: what came is no RTMP, or breaks a limit.
        """
        self._link.feed(data)
        if self._link.ready and not self._greeted:
            self._greeted = True
            self._link.announce()
            self._link.command(messages.command(0, "connect", _CONNECT, self._connect))
        while (message := self._link.next()) is not None:
            yield from self._message(message)

    def send(self, media: Media) -> None:
        """Publish a message; metadata are for the server to keep."""
        if not self.started or self._purpose is not Purpose.PUBLISH:
            raise RuntimeError("nothing is published")
        if media.kind is Kind.DATA:
            media = Media(media.kind, media.timestamp, messages.SET_DATA_FRAME + media.payload)
        self._link.write(chunks.encode_media(media))

    def pause(self, pause: bool) -> None:
        """Stop what is played, or go on."""
        self._link.command(messages.command(MEDIA_STREAM, "pause", 0, None, pause, 0))

    def ping(self, milliseconds: int) -> None:
        """Ask whether the server is there."""
        self._link.control(messages.user_control(Event.PING, milliseconds & 0xFFFFFFFF))

    def close(self) -> None:
        """Say that this was all; the transport is to be closed when it is sent."""
        if self._purpose is Purpose.PUBLISH:
            self._link.command(messages.command(0, "FCUnpublish", 0, None, self._name))
        self._link.command(messages.command(0, "deleteStream", 0, None, MEDIA_STREAM))

    def _message(self, message: Message) -> Iterator[ClientEvent]:
        kind = message.type
        if kind in (Type.VIDEO, Type.AUDIO):
            yield MediaReceived(media(Kind(kind), message.timestamp, message.payload))
        elif kind in (Type.DATA, Type.DATA_AMF3):
            data = messages.read_data(message)
            if isinstance(data, bytes) and not data.startswith(messages.SAMPLE_ACCESS):
                yield MediaReceived(media(Kind.DATA, message.timestamp, data))
        elif kind in (Type.COMMAND, Type.COMMAND_AMF3):
            yield from self._command(messages.read_command(message))

    def _command(self, command: Command) -> Iterator[ClientEvent]:
        match command:
            case Command("_result", 1.0):
                if self._purpose is Purpose.PUBLISH:
                    self._link.command(messages.command(0, "releaseStream", 0, None, self._name))
                    self._link.command(messages.command(0, "FCPublish", 0, None, self._name))
                self._link.command(messages.command(0, "createStream", _CREATE, None))
            case Command("_result", 2.0, [_, stream, *_]):
                if stream != MEDIA_STREAM:
                    raise MessageFault("a server that begins with another stream than 1")
                self._start()
            case Command("_error" | "onStatus", _, [_, dict(information), *_]):
                yield from self._status(information)
            case Command("_error"):
                yield Failed("", "the server has refused a call")

    def _start(self) -> None:
        if self._purpose is Purpose.PUBLISH:
            self._link.command(messages.command(MEDIA_STREAM, "publish", _START, None, self._name, "live"))
        else:
            self._link.command(messages.command(MEDIA_STREAM, "play", _START, None, self._name, -1000))
            self._link.control(messages.set_buffer_length(MEDIA_STREAM, _BUFFER))

    def _status(self, information: Mapping[str, Value]) -> Iterator[ClientEvent]:
        level, code, description = (
            str(information.get(name, ""))[:_TOLD] for name in ("level", "code", "description")
        )
        if level == "error":
            yield Failed(code, description)
        elif code in _STARTED and not self.started:
            self.started = True
            yield Started()
        elif code in _OVER and not self._over:
            self._over = True
            yield Over()
