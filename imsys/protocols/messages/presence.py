"""Who is online and who is writing; nothing of it is stored."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from imsys.protocols.messages.registry import Push, Request, Response, message


class State(msgspec.Struct, frozen=True, kw_only=True):
    """``state``: ``online``, ``offline``, or ``recently`` of somebody who does not show it to me."""

    uuid: str
    state: str
    last_seen: str | UnsetType = UNSET
    """Of somebody offline: RFC 3339, to the minute, if it is known."""


@message(290, reply=291)
class WatchRequest(Request, frozen=True, kw_only=True):
    """The users, at most 200, whom I look at from now on, in place of those before."""

    users: list[str]


@message(291)
class WatchResponse(Response, frozen=True, kw_only=True):
    """Their states; who does not exist is left out."""

    states: list[State]


@message(136)
class PresencePush(Push, frozen=True, kw_only=True):
    """States that have changed, of users whom I look at."""

    states: list[State]


@message(292, reply=293)
class TypingRequest(Request, frozen=True, kw_only=True):
    """I am writing in a thread (``typing``), or speaking (``recording``), or sending a file (``file``)."""

    thread_id: str
    action: str = "typing"


@message(293)
class TypingResponse(Response, frozen=True, kw_only=True):
    """Those who are to hear it are told, if they are online."""


@message(137)
class TypingPush(Push, frozen=True, kw_only=True):
    """Somebody is writing in a thread of mine; it is over after six seconds, or with a message."""

    thread_id: str
    uuid: str
    action: str


@message(294, reply=295)
class SeenByRequest(Request, frozen=True, kw_only=True):
    """Who sees when I am online: ``everybody``, ``friends`` or ``nobody``; without it only ask."""

    seen_by: str | UnsetType = UNSET


@message(295)
class SeenByResponse(Response, frozen=True, kw_only=True):
    """Who sees it now."""

    seen_by: str
