"""Which struct travels under which service id.

A message is a frozen :class:`msgspec.Struct` with the keys of the wire,
registered with :func:`message`. An id that is given twice raises at import.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

UNKNOWN = 34
"""The service id under which an unknown service is answered."""

Seq = int | Annotated[str, Meta(max_length=64)] | UnsetType


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """Anything that travels in a frame."""


class Request(Message, frozen=True, kw_only=True):
    """From the client; ``seq`` comes back in the response, unchanged."""

    seq: Seq = UNSET


class Response(Message, frozen=True, kw_only=True):
    """From the server, to one request. ``message`` explains an ``error``."""

    error: int = 0
    message: str | UnsetType = UNSET
    retry_after: float | UnsetType = UNSET
    seq: Seq = UNSET


class Push(Message, frozen=True, kw_only=True):
    """From the server, without being asked."""

    error: int = 0


class Empty(Response, frozen=True, kw_only=True):
    """A response that only says whether it worked."""


M = TypeVar("M", bound=type[Message])

_by_id: dict[int, type[Message]] = {}
_ids: dict[type[Message], int] = {}
_replies: dict[type[Message], int] = {}
_decoders: dict[int, msgspec.json.Decoder[Any]] = {}


def message(service: int, *, reply: int | None = None) -> Callable[[M], M]:
    """Register a struct under a service id; a request also names the id of its response.

    :raises ValueError: the id is taken.
    """

    def register(kind: M) -> M:
        if service in _by_id:
            raise ValueError(
                f"service {service} is {_by_id[service].__qualname__} already, and cannot be {kind.__qualname__}"
            )
        _by_id[service] = kind
        _ids[kind] = service
        if reply is not None:
            _replies[kind] = reply
        _decoders[service] = msgspec.json.Decoder(kind)
        return kind

    return register


def service_id(kind: type[Message]) -> int:
    """The service id of a struct. :raises KeyError: it is not registered."""
    return _ids[kind]


def reply_id(kind: type[Message]) -> int:
    """The service id of the response to a request. :raises KeyError: it is no request."""
    return _replies[kind]


def request_type(service: int) -> type[Message] | None:
    """The struct of a request's service id, or ``None`` where no request has this id."""
    kind = _by_id.get(service)
    return kind if kind in _replies else None


def message_type(service: int) -> type[Message] | None:
    """The struct that travels under a service id, whatever its direction."""
    return _by_id.get(service)


def decode(service: int, body: bytes) -> Any:
    """Read the body of a frame.

    :raises msgspec.MsgspecError: it is not JSON, or lacks or mistypes a key.
    :raises UnicodeDecodeError: it is not UTF-8.
    :raises KeyError: no message has this id.
    """
    return _decoders[service].decode(body)


def decoder(service: int) -> Callable[[bytes], Any]:
    """What reads the bodies of a service; it raises as :func:`decode` does.

    :raises KeyError: no message has this id.
    """
    return _decoders[service].decode


encode: Callable[[Message], bytes] = msgspec.json.Encoder().encode
"""The JSON of a message, UTF-8; no function of ours around it, since every frame that is sent takes one."""


class _SeqOnly(msgspec.Struct):
    seq: Seq = UNSET


_seq_decoder = msgspec.json.Decoder(_SeqOnly)


def salvage_seq(body: bytes) -> Seq:
    """The ``seq`` of a request that is otherwise unreadable, as far as it can be told."""
    try:
        return _seq_decoder.decode(body).seq
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return UNSET
