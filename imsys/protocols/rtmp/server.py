"""One RTMP connection as its server sees it; no sockets.

How it is used::

    connection = ServerConnection(longest=8 * 1024 * 1024)

    def dataReceived(self, data):
        try:
            for event in connection.receive(data):     # a generator: run it to its end
                self.handle(event)
        except PeerFault as fault:
            ...                                        # one line in the log, and close
        self.transport.write(connection.take())        # whatever was called: write what it left to send

A :class:`ConnectRequested`, :class:`PublishRequested` or :class:`PlayRequested` has to be answered by
``accept_…`` or ``refuse_…``, at once or later. Until then nothing more of what the peer sends is looked at:
it is held (``waiting`` is true; stop reading from the transport), and ``receive(b"")`` after the answer goes
on with it.

Bytes of media for a player are made by :func:`imsys.protocols.rtmp.chunks.encode_media`, the same for all,
and written straight to the transport, after :meth:`ServerConnection.accept_play` and what it left to send.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import parse_qs

from imsys.protocols.media import Kind, Media, media
from imsys.protocols.rtmp import amf0, chunks, messages
from imsys.protocols.rtmp.amf0 import Value
from imsys.protocols.rtmp.chunks import MEDIA_STREAM, Message
from imsys.protocols.rtmp.enhanced import extensions
from imsys.protocols.rtmp.handshake import ServerHandshake
from imsys.protocols.rtmp.link import ChunkStreamConnection
from imsys.protocols.rtmp.messages import Command, DataDropped, Event, MessageFault, MetadataCleared, Type

BEFORE = 64 * 1024
"""Bytes of the longest message of a peer that does not publish: its commands have some hundred."""

_LONGEST_NAME = 2048
"""Characters of an application's or a stream's name with all that is behind its question mark."""

_MOST_HELD = 256 * 1024
"""Bytes that are held while a request waits for its answer; a transport reads 64 KiB at a time."""


@dataclass(frozen=True, slots=True)
class ConnectRequested:
    """The peer wants to use an application.

    Nothing that it names is shown by this or the other requests: a key may be anywhere in it, by mistake.
    """

    app: str = field(repr=False)
    key: str = field(default="", repr=False)
    """What it wrote behind ``?key=`` in the application's name, as some players do."""


@dataclass(frozen=True, slots=True)
class PublishRequested:
    """The peer wants to send a stream."""

    app: str = field(repr=False)
    name: str = field(repr=False)
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class PlayRequested:
    """The peer wants to watch a stream."""

    app: str = field(repr=False)
    name: str = field(repr=False)
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class MediaReceived:
    """Something of the stream that the peer publishes."""

    media: Media


@dataclass(frozen=True, slots=True)
class Paused:
    """The player wants nothing for now. It has been told that this is so."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """The player wants to go on, where the stream is now. It has been told that this is so."""


@dataclass(frozen=True, slots=True)
class StreamClosed:
    """The peer publishes or plays no more; the connection goes on, and may be used for another stream."""


@dataclass(frozen=True, slots=True)
class KindsWanted:
    """What of streams the player wants; until then it is everything. It has been told that this is so."""

    kinds: frozenset[Kind]


ServerEvent: TypeAlias = (
    ConnectRequested
    | PublishRequested
    | PlayRequested
    | MediaReceived
    | MetadataCleared
    | DataDropped
    | Paused
    | Resumed
    | KindsWanted
    | StreamClosed
)


class State(enum.Enum):
    """Where a connection is."""

    NEW = enum.auto()
    """It has not said what application it wants."""
    CONNECTING = enum.auto()
    CONNECTED = enum.auto()
    """It has no stream."""
    CREATED = enum.auto()
    """Its stream does nothing."""
    ASKING_TO_PUBLISH = enum.auto()
    ASKING_TO_PLAY = enum.auto()
    PUBLISHING = enum.auto()
    PLAYING = enum.auto()
    REFUSED = enum.auto()
    """It was told to go away: nothing of what it sends is looked at."""


_WAITING = frozenset((State.CONNECTING, State.ASKING_TO_PUBLISH, State.ASKING_TO_PLAY))
_DEAF = _WAITING | {State.REFUSED}


class ServerConnection:
    """The state of one connection, from handshake to goodbye."""

    __slots__ = ("_kinds", "_link", "_longest", "_published", "_request", "_transaction", "app", "state")

    def __init__(self, longest: int) -> None:
        """``longest`` are the bytes of the longest message of a publisher."""
        self._link = ChunkStreamConnection(ServerHandshake(), BEFORE)
        self._longest = longest
        self._transaction = 0.0
        self._request: dict[str, Value] = {}
        self._published = False
        self._kinds = frozenset(Kind)
        self.app = ""
        self.state = State.NEW

    @property
    def waiting(self) -> bool:
        """Whether a request waits for its answer, so that nothing should be read."""
        return self.state in _WAITING

    @property
    def pending(self) -> int:
        """How many bytes are held: of unfinished messages, and those that wait for an answer."""
        return self._link.pending

    @property
    def chunks(self) -> int:
        """How many chunks have been read; they may be of a byte each, or empty."""
        return self._link.chunks

    @property
    def acknowledged(self) -> int:
        """How many bytes the peer says it has received, of 32 bits; many never do."""
        return self._link.acknowledged

    def take(self) -> bytes:
        """The bytes that are to be sent; they are given once."""
        return self._link.take()

    def receive(self, data: bytes) -> Iterator[ServerEvent]:
        """Take what arrived; give out what it means. Run it to its end: it goes on after each event, as far
        as that was answered.

        :raises PeerFault: what came is no RTMP, breaks a limit, or is out of order; the events before it have
            been given out.
        """
        if self.state is State.REFUSED:
            return
        self._link.feed(data)
        while self.state not in _DEAF and (message := self._link.next()) is not None:
            yield from self._message(message)
        if self.waiting and self.pending > _MOST_HELD:
            raise MessageFault(f"more than {_MOST_HELD} bytes sent before the answer to a request")

    def _message(self, message: Message) -> Iterator[ServerEvent]:
        kind = message.type
        if kind in (Type.VIDEO, Type.AUDIO):
            if self.state is State.PUBLISHING:
                yield MediaReceived(media(Kind(kind), message.timestamp, message.payload))
            elif not self._published:  # else a rest that was on its way when it stopped
                raise MessageFault("audio or video of a peer that does not publish")
        elif kind in (Type.COMMAND, Type.COMMAND_AMF3):
            yield from self._command(message.stream, messages.read_command(message))
        elif kind in (Type.DATA, Type.DATA_AMF3):
            data = messages.read_data(message)
            if self.state is State.PUBLISHING:
                yield (
                    MediaReceived(media(Kind.DATA, message.timestamp, data))
                    if isinstance(data, bytes)
                    else data
                )

    # Commands

    def _command(self, stream: int, command: Command) -> Iterator[ServerEvent]:
        name = command.name
        if self.state is State.NEW or name == "connect":
            yield from self._connect(command)
        elif name == "publish":
            yield from self._publish(stream, command)
        elif name == "play":
            yield from self._play(stream, command)
        elif name == "createStream":
            self._create(command)
        elif name in ("deleteStream", "closeStream", "FCUnpublish"):
            yield from self._close(command)
        elif name == "pause":
            yield from self._pause(command)
        elif name in ("receiveAudio", "receiveVideo"):
            yield from self._want(Kind.AUDIO if name == "receiveAudio" else Kind.VIDEO, command)
        elif name in ("releaseStream", "FCPublish", "FCSubscribe", "_checkbw"):
            self._agree(command)
        elif name == "getStreamLength":
            self._result(command.transaction, None, 0)
        elif name == "seek":
            self._status("error", "NetStream.Seek.Failed", "A live stream has no other place.")
        elif name == "play2":
            self._status("error", "NetStream.Play.Failed", "There is one quality only.")
        elif name not in ("_result", "_error", "onStatus"):
            self._error(command.transaction, "NetConnection.Call.Failed", "There is no such call.")

    def _connect(self, command: Command) -> Iterator[ServerEvent]:
        """The first command, and only the first."""
        if self.state is not State.NEW:
            raise MessageFault("a second connect")
        if command.name != "connect":
            raise MessageFault("a command before connect")
        match command.arguments:
            case [dict(request), *_] if (
                isinstance(app := request.get("app"), str) and len(app) <= _LONGEST_NAME
            ):
                self._transaction, self._request = _transaction(command), request
            case _:
                raise MessageFault("a connect that names no application")
        app, key = _split(app)
        self.app = app.strip("/")
        self.state = State.CONNECTING
        yield ConnectRequested(self.app, key)

    def _create(self, command: Command) -> None:
        if self.state in (State.CONNECTED, State.CREATED):
            self.state = State.CREATED
            self._result(_transaction(command), None, MEDIA_STREAM)
        else:
            self._error(_transaction(command), "NetConnection.Call.Failed", "A connection has one stream.")

    def _publish(self, stream: int, command: Command) -> Iterator[ServerEvent]:
        name = self._name(command)
        if self.state is not State.CREATED or stream != MEDIA_STREAM:
            self._status("error", "NetStream.Publish.BadName", "This stream cannot be published now.")
            return
        self.state = State.ASKING_TO_PUBLISH
        yield PublishRequested(self.app, *_split(name))

    def _play(self, stream: int, command: Command) -> Iterator[ServerEvent]:
        name = self._name(command)
        if self.state is not State.CREATED or stream != MEDIA_STREAM:
            self._status("error", "NetStream.Play.Failed", "This stream cannot be played now.")
            return
        self.state = State.ASKING_TO_PLAY
        yield PlayRequested(self.app, *_split(name))

    def _pause(self, command: Command) -> Iterator[ServerEvent]:
        if self.state is not State.PLAYING:
            self._status("error", "NetStream.Pause.Failed", "Nothing is played.")
            return
        if len(command.arguments) > 1 and command.arguments[1]:
            self._status("status", "NetStream.Pause.Notify", "Paused.")
            yield Paused()
        else:
            self._status("status", "NetStream.Unpause.Notify", "Goes on with what is live now.")
            yield Resumed()

    def _want(self, kind: Kind, command: Command) -> Iterator[ServerEvent]:
        """A player may say so before it plays, and while it does (sections 7.2.2.4 and 7.2.2.5)."""
        match command.arguments:
            case [_, bool(wanted), *_]:
                kinds = self._kinds | {kind} if wanted else self._kinds - {kind}
            case _:
                wanted, kinds = False, self._kinds
        if wanted and self.state is State.PLAYING:
            self._status("status", "NetStream.Seek.Notify", "Goes on with what is live now.")
            self._status("status", "NetStream.Play.Start", "Live.")
        self._result(command.transaction, None, None)
        if kinds != self._kinds:
            self._kinds = kinds
            yield KindsWanted(kinds)

    def _close(self, command: Command) -> Iterator[ServerEvent]:
        """FCUnpublish names a stream, deleteStream its number; there is one."""
        before = self.state
        if before in (State.PUBLISHING, State.PLAYING):
            self._idle()
            if before is State.PUBLISHING:
                self._status("status", "NetStream.Unpublish.Success", "Published no more.")
            yield StreamClosed()
        if command.name == "deleteStream" and self.state is State.CREATED:
            self.state = State.CONNECTED
        elif command.name == "FCUnpublish":
            self._agree(command)

    def _agree(self, command: Command) -> None:
        """Calls that ask for something that is so anyway.

        The callers wait for an answer, or for a call of their own.
        """
        if command.name in ("FCPublish", "FCSubscribe"):
            code = "NetStream.Publish.Start" if command.name == "FCPublish" else "NetStream.Play.Start"
            self._link.command(
                messages.command(0, "on" + command.name, 0, None, _information("status", code, "Go on."))
            )
        self._result(command.transaction, None, None)

    def _name(self, command: Command) -> str:
        match command.arguments:
            case [_, str(name), *_] if 0 < len(name) <= _LONGEST_NAME:
                return name
            case _:
                raise MessageFault("a stream without a name, or with one that is too long")

    # Answers

    def accept_connect(self) -> None:
        """The application may be used."""
        self._answers(State.CONNECTING)
        self.state = State.CONNECTED
        self._link.announce()
        information = _information("status", "NetConnection.Connect.Success", "Welcome.")
        information["objectEncoding"] = 0
        information.update(extensions(self._request))
        self._request = {}
        server: dict[str, Value] = {"fmsVer": "FMS/3,0,1,123", "capabilities": 31}
        self._link.command(messages.command(0, "_result", self._transaction, server, information))

    def refuse_connect(self, description: str) -> None:
        """There is no such application; the transport is to be closed when this is sent."""
        self._answers(State.CONNECTING)
        self._error(self._transaction, "NetConnection.Connect.Rejected", description)
        self.state = State.REFUSED

    def accept_publish(self) -> None:
        """The stream may be sent; what comes are :class:`MediaReceived`."""
        self._answers(State.ASKING_TO_PUBLISH)
        self.state = State.PUBLISHING
        self._published = True
        self._link.allow(self._longest)
        self._link.control(messages.user_control(Event.STREAM_BEGIN, MEDIA_STREAM))
        self._status("status", "NetStream.Publish.Start", "Live.")

    def refuse_publish(self, description: str, code: str = "NetStream.Publish.BadName") -> None:
        """The stream may not be sent: a bad key, or somebody else sends it."""
        self._answers(State.ASKING_TO_PUBLISH)
        self.state = State.CREATED
        self._status("error", code, description)

    def accept_play(self) -> None:
        """The stream may be watched; what is written from now on are its bytes."""
        self._answers(State.ASKING_TO_PLAY)
        self.state = State.PLAYING
        self._link.control(messages.user_control(Event.STREAM_BEGIN, MEDIA_STREAM))
        self._status("status", "NetStream.Play.Reset", "What was played before is over.")
        self._status("status", "NetStream.Play.Start", "Live.")
        access = Message(Type.DATA, 0, MEDIA_STREAM, messages.SAMPLE_ACCESS + amf0.encode(True, True))
        self._link.write(chunks.encode(access, chunks.DATA))

    def refuse_play(self, description: str, code: str = "NetStream.Play.StreamNotFound") -> None:
        """The stream may not be watched: a bad key, or there is none."""
        self._answers(State.ASKING_TO_PLAY)
        self.state = State.CREATED
        self._status("error", code, description)

    def fail(self, description: str, code: str | None = None) -> None:
        """Tell a publisher or a player why its connection is about to be closed.

        Nothing of what it sends is looked at any more.
        """
        if code is None:
            code = "NetStream.Publish.Failed" if self.state is State.PUBLISHING else "NetStream.Play.Failed"
        self._status("error", code, description)
        self.state = State.REFUSED

    def over(self) -> None:
        """Tell a player that the stream has ended; the connection may be closed when this is sent."""
        self._status("status", "NetStream.Play.UnpublishNotify", "The stream is over.")
        self._link.control(messages.user_control(Event.STREAM_EOF, MEDIA_STREAM))
        self._status("status", "NetStream.Play.Stop", "The stream is over.")
        if self.state is State.PLAYING:
            self._idle()

    def ping(self, milliseconds: int) -> None:
        """Ask whether the peer is there, by a time of 32 bits that it sends back."""
        self._link.control(messages.user_control(Event.PING, milliseconds & 0xFFFFFFFF))

    def _idle(self) -> None:
        self.state = State.CREATED
        self._link.allow(BEFORE)

    def _answers(self, expected: State) -> None:
        if self.state is not expected:
            raise RuntimeError(f"there is nothing to answer in {self.state.name}")

    def _status(self, level: str, code: str, description: str) -> None:
        self._link.command(
            messages.command(MEDIA_STREAM, "onStatus", 0, None, _information(level, code, description))
        )

    def _result(self, transaction: float, *values: Value) -> None:
        if transaction:
            self._link.command(messages.command(0, "_result", transaction, *values))

    def _error(self, transaction: float, code: str, description: str) -> None:
        self._link.command(
            messages.command(0, "_error", transaction, None, _information("error", code, description))
        )


def _transaction(command: Command) -> float:
    """Of a call that is always answered."""
    return command.transaction if math.isfinite(command.transaction) else 0


def _information(level: str, code: str, description: str) -> dict[str, Value]:
    return {"level": level, "code": code, "description": description}


def _split(name: str) -> tuple[str, str]:
    """A name, and the key that is written behind it.

    People paste them with blanks around, and URLs with one slash too many.
    """
    name, _, query = name.strip().lstrip("/").partition("?")
    return name, parse_qs(query).get("key", [""])[0]
