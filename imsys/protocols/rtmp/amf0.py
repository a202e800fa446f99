"""AMF0: the values of RTMP's commands and metadata (Adobe's *Action Message Format -- AMF 0*).

Numbers are floats, booleans bools, null and undefined ``None``, objects dicts, strict arrays lists. ECMA
arrays, dates and typed objects have types of their own, so that what was read is written as it was. What
would let a few bytes become much is refused: references (a value that holds itself), nesting beyond
:data:`DEPTH`, more than :data:`VALUES` values; a count or a length is believed only as far as there are
bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias, TypeVar, Union

from imsys.errors import PeerFault

DEPTH = 16
"""Values within values; metadata has three."""

VALUES = 20_000
"""Values of one message, with all within them.

A message of a command has ten, metadata with an index of key frames some thousands.
"""

_NUMBER, _BOOLEAN, _STRING, _OBJECT, _MOVIECLIP, _NULL, _UNDEFINED, _REFERENCE, _ECMA_ARRAY = range(9)
_END, _STRICT_ARRAY, _DATE, _LONG_STRING, _UNSUPPORTED, _RECORDSET, _XML, _TYPED = range(9, 17)

_U16 = struct.Struct(">H")
_U32 = struct.Struct(">I")
_DOUBLE = struct.Struct(">d")
_DATE_BODY = struct.Struct(">dh")
_NUMBER_BODY = struct.Struct(">Bd")
_TERMINATOR: Final = b"\0\0\x09"


class AmfFault(PeerFault):
    """Bytes that are no AMF0 value, or none that is taken."""


class EcmaArray(dict[str, "Value"]):
    """An object that calls itself an array: what metadata mostly are."""


class TypedObject(dict[str, "Value"]):
    """An object of a class."""

    def __init__(self, name: str, values: Mapping[str, Value] | None = None) -> None:
        super().__init__(values or {})
        self.name = name

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and self.name == getattr(other, "name", None)

    __hash__ = None


class Date(NamedTuple):
    """A point in time."""

    milliseconds: float
    """Since 1970, UTC."""
    zone: int = 0
    """Reserved; senders put minutes of a time zone there, and readers ignore it."""


Value: TypeAlias = Union[float, bool, str, Date, Sequence["Value"], Mapping[str, "Value"], None]  # noqa: UP007
"""What can be encoded; integers are numbers."""


def decode(data: bytes) -> list[Value]:
    """All values that these bytes hold, one after the other.

    :raises AmfFault: they are not AMF0, or more than is taken.
    """
    decoder = _Decoder(data)
    values: list[Value] = []
    while decoder.at < len(data):
        values.append(decoder.value(0))
    return values


_Members = TypeVar("_Members", bound="dict[str, Value]")


class _Decoder:
    """A place in the bytes, and what has been spent."""

    __slots__ = ("at", "data", "left")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.left = VALUES

    def value(self, depth: int) -> Value:
        """The value here, and within so many others."""
        self.left -= 1
        if self.left < 0:
            raise AmfFault(f"more than {VALUES} values")
        if depth > DEPTH:
            raise AmfFault(f"values nested deeper than {DEPTH}")
        marker = self._take(1)[0]
        if marker == _STRING:
            return self._string(_U16)
        if marker == _NUMBER:
            number: float = _DOUBLE.unpack(self._take(8))[0]
            return number
        if marker == _BOOLEAN:
            return self._take(1) != b"\0"
        if marker in (_NULL, _UNDEFINED, _UNSUPPORTED):
            return None
        if marker == _OBJECT:
            return self._members({}, depth)
        if marker == _ECMA_ARRAY:
            self._take(4)  # a count that senders leave at 0 or get wrong
            return self._members(EcmaArray(), depth)
        if marker == _STRICT_ARRAY:
            return self._strict(depth)
        if marker in (_LONG_STRING, _XML):
            return self._string(_U32)
        if marker == _DATE:
            return Date._make(_DATE_BODY.unpack(self._take(10)))
        if marker == _TYPED:
            return self._members(TypedObject(self._string(_U16)), depth)
        raise AmfFault(f"an AMF0 value of type {marker}")

    def _take(self, size: int) -> bytes:
        start, self.at = self.at, self.at + size
        if self.at > len(self.data):
            raise AmfFault("an AMF0 value that ends too soon")
        return self.data[start : self.at]

    def _string(self, length: struct.Struct) -> str:
        (size,) = length.unpack(self._take(length.size))
        return self._take(size).decode("utf-8", "replace")

    def _members(self, members: _Members, depth: int) -> _Members:
        while True:
            name = self._string(_U16)
            if not name and self.data[self.at : self.at + 1] == b"\x09":
                self.at += 1
                return members
            members[name] = self.value(depth + 1)

    def _strict(self, depth: int) -> list[Value]:
        (count,) = _U32.unpack(self._take(4))
        if count > min(self.left, len(self.data) - self.at):
            raise AmfFault(f"an array of {count} values, of which there is no room for so many")
        return [self.value(depth + 1) for _ in range(count)]


def encode(*values: Value) -> bytes:
    """The bytes of these values, one after the other.

    :raises ValueError: a string or a name is longer than its length can say, or something has no type in
        AMF0.
    """
    return b"".join(_encode(value) for value in values)


def _encode(value: Value) -> bytes:
    if value is None:
        return b"\x05"
    if isinstance(value, bool):
        return b"\x01\x01" if value else b"\x01\x00"
    if isinstance(value, int | float):
        return _NUMBER_BODY.pack(_NUMBER, value)
    if isinstance(value, str):
        data = value.encode("utf-8", "replace")
        if len(data) > 0xFFFF:
            return b"\x0c" + _U32.pack(len(data)) + data
        return b"\x02" + _U16.pack(len(data)) + data
    if isinstance(value, Date):
        return b"\x0b" + _DATE_BODY.pack(*value)
    if isinstance(value, EcmaArray):
        return b"\x08" + _U32.pack(len(value)) + _members(value)
    if isinstance(value, TypedObject):
        return b"\x10" + _name(value.name) + _members(value)
    if isinstance(value, Mapping):
        return b"\x03" + _members(value)
    if isinstance(value, Sequence):
        return b"\x0a" + _U32.pack(len(value)) + encode(*value)
    raise ValueError(f"AMF0 has no type for {type(value).__name__}")


def _members(members: Mapping[str, Value]) -> bytes:
    return b"".join(_name(name) + _encode(value) for name, value in members.items()) + _TERMINATOR


def _name(name: str) -> bytes:
    data = name.encode("utf-8", "replace")
    if len(data) > 0xFFFF:
        raise ValueError("a name of more than 65,535 bytes")
    return _U16.pack(len(data)) + data
