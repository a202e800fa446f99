"""Text messages."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from imsys.protocols.messages.registry import Push, Request, Response, message


class Forward(msgspec.Struct, frozen=True, kw_only=True):
    """Where a message came from; ``sender`` is who wrote the original, said by the server."""

    thread_id: str
    msg_id: str
    sender: str | UnsetType = UNSET


class TextItem(msgspec.Struct, frozen=True, kw_only=True):
    """One text to send. ``unique_id`` is the client's, so that a resend is harmless."""

    unique_id: str
    msg_sender: str
    msg_receiver: str
    msg_content: str
    reply_to: str | UnsetType = UNSET
    """The message of this thread that it answers."""
    mentions: list[str] | str | UnsetType = UNSET
    """Users of this thread, at most 100, or "all"."""
    forward: Forward | UnsetType = UNSET
    """The text that is forwarded: then ``msg_content`` is ignored, and the server takes that of the original."""
    expires: int | UnsetType = UNSET
    """Seconds after which its content is gone, at most four weeks."""


@message(23, reply=24)
class TextRequest(Request, frozen=True, kw_only=True):
    """Send texts, at most 100, to one thread."""

    text_sender: str
    text_receiver: str
    thread_id: str
    text_msg: list[TextItem]


class VerifiedText(msgspec.Struct, frozen=True, kw_only=True):
    """One text that is durable now; ``prev_id`` is the id before it in its thread, "0" for the first."""

    thread_id: str
    unique_id: str
    msg_id: str
    prev_id: str
    timestamp: str
    expires: int | UnsetType = UNSET
    """Seconds after ``timestamp`` after which its content is gone: its own, or those of the thread's timer."""


@message(24)
class TextResponse(Response, frozen=True, kw_only=True):
    """All texts of the request are durable."""

    text_sender: str
    text_receiver: str
    verified_msg: list[VerifiedText]


class IncomingText(msgspec.Struct, frozen=True, kw_only=True):
    """One text that arrived."""

    msg_type: int
    msg_status: int
    msg_sender: str
    msg_receiver: str
    msg_id: str
    prev_id: str
    thread_id: str
    unique_id: str
    msg_content: str
    timestamp: str
    reply_to: str | UnsetType = UNSET
    mentions: list[str] | str | UnsetType = UNSET
    forward: Forward | UnsetType = UNSET
    expires: int | UnsetType = UNSET
    """Seconds after its time when its content is gone: of its own, or by the thread's timer."""


@message(25)
class TextPush(Push, frozen=True, kw_only=True):
    """Texts for me."""

    text_sender: str
    text_receiver: str
    text_msg: Sequence[IncomingText]
