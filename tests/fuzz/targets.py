"""What is fuzzed, and what must hold whatever the bytes are.

Nothing but a ``PeerFault`` is raised, no more is held than the limits say, no text of a fault tells a key, an
answer is not much longer than what it answers, and however the bytes are cut, they mean the same.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from typing import TypeAlias

from imsys.errors import PeerFault
from imsys.protocols import flv
from imsys.protocols.media import Kind, media
from imsys.protocols.rtmp import amf0, messages
from imsys.protocols.rtmp.chunks import Message, encode
from imsys.protocols.rtmp.client import ClientConnection, Purpose
from imsys.protocols.rtmp.messages import Event, Type
from imsys.protocols.rtmp.server import (
    ConnectRequested,
    MediaReceived,
    PlayRequested,
    PublishRequested,
    ServerConnection,
)

LIMIT = 5000
SECRET = "tickettickettick"
_HELLO = b"\x03" + bytes(3072)

Target: TypeAlias = Callable[[bytes], None]


def _command(name: str, *arguments: amf0.Value, stream: int = 1) -> bytes:
    return encode(messages.command(stream, name, 1, *arguments), 3, 128)


_CONNECT = _command(
    "connect", {"app": "live", "fourCcList": ["hvc1"], "capsEx": 15, "videoFourCcInfoMap": {"*": 4}}, stream=0
)
_CREATE = _command("createStream", None, stream=0)
_PUBLISH = _command("publish", None, f"abc?key={SECRET}", "live")
_PLAY = _command("play", None, f"abc?key={SECRET}", -2000)

_BEFORE = (
    b"",
    _HELLO,
    _HELLO + _CONNECT,
    _HELLO + _CONNECT + _CREATE + _PUBLISH,
    _HELLO + _CONNECT + _CREATE + _PLAY,
)
"""How far a connection has come before the bytes that are tried."""


def server(data: bytes) -> None:
    """A connection: the first byte says how far it has come, the second how everything is cut, the rest is
    what it hears.
    """
    if len(data) < 2:
        return
    before, cuts, heard = _BEFORE[data[0] % len(_BEFORE)], data[1], data[2:]
    one, said = _serve([before + heard])
    other, _ = _serve(_pieces(before + heard, cuts))
    assert one == other, (one, other)
    assert said <= 8192 + 40 * len(heard), said


def _serve(pieces: list[bytes]) -> tuple[list[object], int]:
    """What a server makes of it, and how much it answers."""
    connection = ServerConnection(LIMIT)
    found: list[object] = []
    try:
        for piece in pieces:
            for event in connection.receive(piece):
                found.append(event)
                if isinstance(event, ConnectRequested):
                    connection.accept_connect()
                elif isinstance(event, PublishRequested):
                    connection.accept_publish()
                elif isinstance(event, PlayRequested):
                    connection.accept_play()
            assert connection.pending <= 2 * 65536 + 1537, connection.pending
    except PeerFault as fault:
        found.append(str(fault))
    assert SECRET not in repr([one.media.kind if isinstance(one, MediaReceived) else one for one in found])
    return found, len(connection.take())


def client(data: bytes) -> None:
    """A player or a publisher and a server that says anything."""
    if not data:
        return
    connection = ClientConnection(
        "live", f"abc?key={SECRET}", Purpose.PLAY if data[0] & 1 else Purpose.PUBLISH, longest=LIMIT
    )
    try:
        for piece in _pieces(_HELLO * (data[0] >> 1 & 1) + data[1:], data[0]):
            for event in connection.receive(piece):
                repr(event)
    except PeerFault as fault:
        if SECRET in str(fault):
            raise AssertionError from fault


def values(data: bytes) -> None:
    """AMF0: what is read can be written, and read again as the same."""
    try:
        found = amf0.decode(data)
    except PeerFault:
        return
    written = amf0.encode(*found)
    assert repr(amf0.decode(written)) == repr(found)


def file(data: bytes) -> None:
    """FLV: cut or not, it means the same."""
    if not data:
        return
    assert _read([data[1:]]) == _read(_pieces(data[1:], data[0]))


def _read(pieces: list[bytes]) -> list[str]:
    reader = flv.FlvReader(LIMIT)
    found: list[str] = []
    try:
        for piece in pieces:
            found.extend(map(repr, reader.receive(piece)))
            assert reader.pending <= LIMIT + 11, reader.pending
    except PeerFault as fault:
        # what came before it in the same piece is lost with it: who reads a broken file reads no further
        return [str(fault)]
    return found


def _pieces(data: bytes, seed: int) -> list[bytes]:
    """The data, cut at places that a number decides."""
    choice = random.Random(seed)
    places = [0, *sorted(choice.randrange(len(data) + 1) for _ in range(seed % 16)), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(places)]


def _talks() -> Iterator[bytes]:
    """Examples of connections."""
    picture = encode(Message(Type.VIDEO, 0x1000000, 1, b"\x17\x01".ljust(300, b"v")), 6, 128)
    tags = b"".join(flv.encode_tag(media(Kind.AUDIO, time, b"\xaf\x01a")) for time in (5, 28))
    talks = [
        _CONNECT + _CREATE + _PUBLISH + picture + _command("deleteStream", None, 1),
        _CREATE
        + _PLAY
        + _command("pause", None, True, 5)
        + _command("pause", None, False, 5)
        + _command("seek", None, 5),
        _command("FCPublish", None, "abc") + _command("_checkbw", None) + _command("nonsense", None),
        encode(messages.control(Type.SET_CHUNK_SIZE, 4096), 2)
        + picture[:12]
        + b"\xc6"
        + encode(messages.control(Type.ABORT, 6), 2),
        encode(messages.control(Type.WINDOW, 5000), 2) + encode(messages.user_control(Event.PING, 7), 2),
        encode(Message(Type.AGGREGATE, 500, 1, tags), 6, 128),
        encode(
            Message(
                Type.DATA, 0, 1, messages.SET_DATA_FRAME + amf0.encode("onMetaData", amf0.EcmaArray(width=5))
            ),
            4,
            128,
        ),
        encode(Message(Type.COMMAND_AMF3, 0, 1, b"\0" + amf0.encode("pause", 0, None, True)), 3, 128),
        bytes.fromhex(
            "04 000028 000001 09 01000000 aa c4 bb 84 000005 cc 44 000001 000002 08 dddd 00 05 000000 000001 08 00000000 ee"
        ),
    ]
    for talk in talks:
        for before in range(len(_BEFORE)):
            yield bytes((before, 7)) + talk


def _values() -> Iterator[bytes]:
    """Examples of AMF0."""
    yield amf0.encode(
        "onMetaData",
        amf0.EcmaArray(width=640, stereo=True, encoder="x", keyframes={"times": [0, 1.5], "none": None}),
    )
    yield amf0.encode(amf0.Date(5, 60), amf0.TypedObject("T", {"a": [[]]}), "x" * 70_000)
    yield bytes.fromhex("06 0d 0f 00000002 6869 07 0000 11")


def _files() -> Iterator[bytes]:
    """Examples of FLV."""
    tags = b"".join(flv.encode_tag(media(kind, 0x1000000 + kind, b"\x17\x00abc")) for kind in Kind)
    yield b"\x07" + flv.HEADER + tags
    yield b"\x05" + flv.HEADER + bytes.fromhex("29 000002 000000 00 000000 aaaa 0000000d") + tags


def _answers() -> Iterator[bytes]:
    """Examples of what servers say."""
    created = encode(messages.command(0, "_result", 1, {}, {}), 3) + encode(
        messages.command(0, "_result", 2, None, 1), 3
    )
    for code in ("NetStream.Play.Start", "NetStream.Publish.Start", "NetStream.Play.Stop"):
        status = encode(messages.command(1, "onStatus", 0, None, {"level": "status", "code": code}), 3, 128)
        for first in (2, 3, 0x72, 0x73):
            yield (
                bytes((first,))
                + created
                + status
                + encode(messages.command(0, "_error", 1, None, {"level": "error"}), 3)
            )


TARGETS: dict[str, tuple[Target, Callable[[], Iterator[bytes]]]] = {
    "server": (server, _talks),
    "client": (client, _answers),
    "amf0": (values, _values),
    "flv": (file, _files),
}
"""By name: the function, and examples to begin with."""
