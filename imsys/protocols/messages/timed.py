"""Texts that are sent later, and threads whose messages expire."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from imsys.protocols.messages.entries import ChangeRequest, ChangeResponse
from imsys.protocols.messages.registry import Push, Request, Response, message


class ScheduledText(msgspec.Struct, frozen=True, kw_only=True):
    """A text of mine that waits for its time, ``at`` (RFC 3339)."""

    schedule_id: str
    thread_id: str
    unique_id: str
    content: str
    at: str
    reply_to: str | UnsetType = UNSET
    mentions: list[str] | str | UnsetType = UNSET
    expires: int | UnsetType = UNSET


@message(300, reply=301)
class ScheduleRequest(Request, frozen=True, kw_only=True):
    """Send a text later, within a year. ``unique_id`` is the client's, so that a resend is harmless."""

    thread_id: str
    unique_id: str
    content: str
    at: str
    reply_to: str | UnsetType = UNSET
    mentions: list[str] | str | UnsetType = UNSET
    expires: int | UnsetType = UNSET


@message(301)
class ScheduleResponse(Response, frozen=True, kw_only=True):
    """It is durable; when it is sent it has the unique id ``schedule:<schedule_id>``."""

    schedule_id: str
    thread_id: str
    unique_id: str
    at: str


@message(302, reply=303)
class ScheduledRequest(Request, frozen=True, kw_only=True):
    """A page of my texts that wait."""

    cursor: str = ""
    limit: int = 10


@message(303)
class ScheduledResponse(Response, frozen=True, kw_only=True):
    """Texts that wait, by their time."""

    scheduled: Sequence[ScheduledText]
    next: str
    is_complete: bool


@message(304, reply=305)
class RescheduleRequest(Request, frozen=True, kw_only=True):
    """Change the content or the time of a text that waits."""

    schedule_id: str
    content: str | UnsetType = UNSET
    at: str | UnsetType = UNSET


@message(305)
class RescheduleResponse(Response, frozen=True, kw_only=True):
    """The text as it is now."""

    scheduled: ScheduledText


@message(306, reply=307)
class CancelRequest(Request, frozen=True, kw_only=True):
    """Do not send a text that waits."""

    schedule_id: str


@message(307)
class CancelResponse(Response, frozen=True, kw_only=True):
    """It is not sent."""


@message(308, reply=309)
class TimerRequest(ChangeRequest, frozen=True, kw_only=True):
    """Have messages of a thread expire, from now on: after an hour to four weeks, in seconds; 0, never."""

    timer: int


@message(309)
class TimerResponse(ChangeResponse, frozen=True, kw_only=True):
    """See :class:`.ChangeResponse`."""


@message(139)
class ScheduledPush(Push, frozen=True, kw_only=True):
    """What became of a text that waited: ``state`` is ``waiting`` (it is new, or was changed: ``scheduled`` has it),
    ``cancelled``, ``sent``, or ``failed``, with the ``status`` that refused it.
    """

    schedule_id: str
    thread_id: str
    state: str
    scheduled: ScheduledText | UnsetType = UNSET
    status: int | UnsetType = UNSET
