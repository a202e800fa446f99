"""What RTMP's message types mean (RTMP 1.0, sections 5.4, 6 and 7): control, commands, data, and audio and
video, alone or many in one.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterator
from typing import NamedTuple

from imsys.errors import PeerFault
from imsys.protocols.media import Kind
from imsys.protocols.rtmp import amf0
from imsys.protocols.rtmp.amf0 import Value
from imsys.protocols.rtmp.chunks import Message

_U32 = struct.Struct(">I")
_EVENT = struct.Struct(">HI")
_BANDWIDTH = struct.Struct(">IB")
_TAG = struct.Struct(">BBHBHBBH")

SET_DATA_FRAME = amf0.encode("@setDataFrame")
"""Before metadata that a server is to keep for those who come later."""

SAMPLE_ACCESS = amf0.encode("|RtmpSampleAccess")
"""Before two booleans: whether a player may look into audio and video; some wait for it."""

_CLEAR_DATA_FRAME = amf0.encode("@clearDataFrame")


class Type(enum.IntEnum):
    """The types that are spoken; shared objects (16, 19) are not."""

    SET_CHUNK_SIZE = 1
    ABORT = 2
    ACKNOWLEDGEMENT = 3
    USER_CONTROL = 4
    WINDOW = 5
    PEER_BANDWIDTH = 6
    AUDIO = 8
    VIDEO = 9
    DATA_AMF3 = 15
    COMMAND_AMF3 = 17
    DATA = 18
    COMMAND = 20
    AGGREGATE = 22


class Event(enum.IntEnum):
    """The events of a user control message; others are ignored."""

    STREAM_BEGIN = 0
    STREAM_EOF = 1
    STREAM_DRY = 2
    SET_BUFFER_LENGTH = 3
    PING = 6
    PONG = 7


class Bandwidth(enum.IntEnum):
    """How a peer bandwidth is meant (section 5.4.5)."""

    HARD = 0
    SOFT = 1
    DYNAMIC = 2


class MessageFault(PeerFault):
    """A message that is not what its type says."""


class Command(NamedTuple):
    """A remote call, or the answer to one."""

    name: str
    transaction: float
    """By which an answer names its call; 0: no answer is wanted."""
    arguments: list[Value]
    """The first is the "command object", mostly null."""


def control(kind: Type, value: int) -> Message:
    """A message of one number: a chunk size, an acknowledgement (bytes so far), a window."""
    return Message(kind, 0, 0, _U32.pack(value))


def peer_bandwidth(window: int, limit: Bandwidth) -> Message:
    """How many bytes the peer may have unacknowledged."""
    return Message(Type.PEER_BANDWIDTH, 0, 0, _BANDWIDTH.pack(window, limit))


def user_control(event: Event, value: int) -> Message:
    """An event and its number: a message stream, or the time of a ping."""
    return Message(Type.USER_CONTROL, 0, 0, _EVENT.pack(event, value))


def read_number(message: Message) -> int:
    """The number with which a control message begins. :raises MessageFault: it is too short."""
    if len(message.payload) < 4:
        raise MessageFault(f"a control message of {len(message.payload)} bytes")
    number: int = _U32.unpack_from(message.payload)[0]
    return number


def read_event(message: Message) -> tuple[int, int] | None:
    """The event of a user control message, and its (first) number; ``None``: it has none, as some have that
    are not ours to know.
    """
    return _EVENT.unpack_from(message.payload) if len(message.payload) >= _EVENT.size else None


def set_buffer_length(stream: int, milliseconds: int) -> Message:
    """How much a player keeps."""
    return Message(
        Type.USER_CONTROL, 0, 0, _EVENT.pack(Event.SET_BUFFER_LENGTH, stream) + _U32.pack(milliseconds)
    )


def command(stream: int, name: str, transaction: float, *arguments: Value) -> Message:
    """A call, or an answer."""
    return Message(Type.COMMAND, 0, stream, amf0.encode(name, transaction, *arguments))


def read_command(message: Message) -> Command:
    """What is called. :raises PeerFault: it is no command."""
    match amf0.decode(_without_amf3(message, Type.COMMAND_AMF3)):
        case [str(name), float(transaction), *arguments]:
            return Command(name, transaction, arguments)
        case [str(name), *arguments]:  # some leave it out where they want no answer
            return Command(name, 0, arguments)
        case _:
            raise MessageFault("a command without a name")


class MetadataCleared(NamedTuple):
    """The metadata that were set are to be forgotten."""


class DataDropped(NamedTuple):
    """Data that nobody can read, and that no player gets."""

    reason: str


def read_data(message: Message) -> bytes | MetadataCleared | DataDropped:
    """What players get of a data message: its values, without the words that tell a server to keep them.

    Data are of no use for showing what comes with them, and programs of the field write them wrongly in many
    ways: that is no fault.
    """
    payload = _without_amf3(message, Type.DATA_AMF3)
    if payload.startswith(_CLEAR_DATA_FRAME):
        return MetadataCleared()
    payload = payload.removeprefix(SET_DATA_FRAME)
    try:
        values = amf0.decode(payload)
    except PeerFault as fault:
        return DataDropped(str(fault))
    if not values or not isinstance(values[0], str):
        return DataDropped("data without a name")
    return payload


def _without_amf3(message: Message, amf3: Type) -> bytes:
    """The AMF0 of a message: what calls itself AMF3 is that too, behind a byte of 0 (what else it may hold is
    refused as no AMF0).
    """
    if message.type == amf3 and message.payload.startswith(b"\0"):
        return message.payload[1:]
    return message.payload


def split_aggregate(message: Message) -> Iterator[Message]:
    """The messages of an aggregate: FLV tags, whose times count from that of the first (section 7.1.6).

    :raises MessageFault: it is cut off, or holds anything but audio, video and data.
    """
    payload = message.payload
    at, end, first = 0, len(payload), None
    while at < end:
        if at + _TAG.size > end:
            raise MessageFault("an aggregate that ends within a header")
        kind, high, low, t_high, t_low, t_top, _, _ = _TAG.unpack_from(payload, at)
        if kind not in Kind._value2member_map_:
            raise MessageFault(f"a message of type {kind} within an aggregate")
        at += _TAG.size
        size = high << 16 | low
        if at + size > end:
            raise MessageFault("an aggregate that ends within a message")
        timestamp = t_top << 24 | t_high << 16 | t_low
        if first is None:
            first = timestamp
        if size:
            yield Message(
                kind,
                message.timestamp + timestamp - first & 0xFFFFFFFF,
                message.stream,
                payload[at : at + size],
            )
        at += size + 4  # the size of the tag once more; some leave out the last
