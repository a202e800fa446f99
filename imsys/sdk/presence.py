"""Who is online, and who is writing. Nothing of it is kept by the servers."""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec import UNSET
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.errors import Refused, Status
from imsys.protocols.messages.presence import (
    PresencePush,
    SeenByRequest,
    SeenByResponse,
    State,
    TypingPush,
    TypingRequest,
    TypingResponse,
    WatchRequest,
    WatchResponse,
)
from imsys.protocols.messages.registry import Message
from imsys.sdk.contacts import Ask
from imsys.sdk.model import parse_time
from imsys.sdk.signals import Signal

_APART = 3.0
"""Seconds between two notices that this user is writing in a thread (docs/protocol.md, 2.8)."""

_WATCHED = 200

AGAIN = 5.0
"""Seconds until a server that could not look for users is asked again."""

_log = Logger()


class Availability(enum.Enum):
    """Whether somebody is online."""

    ONLINE = "online"
    OFFLINE = "offline"
    RECENTLY = "recently"
    """They do not show it to this user."""


class Activity(enum.Enum):
    """What somebody does in a thread."""

    TYPING = "typing"
    RECORDING = "recording"
    FILE = "file"
    """They send a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """Whether a user is online; ``last_seen`` is to the minute, of somebody offline, if it is known."""

    uuid: int
    availability: Availability
    last_seen: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Typing:
    """Somebody is writing in a thread; it is over after six seconds, or with a message of theirs."""

    thread_id: int
    uuid: int
    activity: Activity


class Watching:
    """Users who are looked at, and what this user shows of themselves.

    :param request: sends a request on the present connection and expects a given response type.
    """

    def __init__(self, clock: IReactorTime, ask: Ask, request: Callable[..., Deferred[Any]]) -> None:
        self.on_presence: Signal[Presence] = Signal()
        self.on_typing: Signal[Typing] = Signal()
        self._clock = clock
        self._ask = ask
        self._request = request
        self._watched: tuple[int, ...] = ()
        self._known: dict[int, Presence] = {}
        self._here = False
        self._later: IDelayedCall | None = None
        self._told: dict[int, float] = {}  # thread -> when others were told that this user is writing

    async def watch(self, uuids: Collection[int]) -> list[Presence]:
        """Look at these users from now on, at most 200, in place of those before; return whether they are online.

        ``on_presence`` tells of changes, and of all of them anew after a reconnection.

        :raises Refused: INVALID_FIELD (70), there are too many.
        """
        watched = tuple(dict.fromkeys(uuids))
        if len(watched) > _WATCHED:
            raise Refused(Status.INVALID_FIELD, f"At most {_WATCHED} users are looked at.")
        self._watched = watched
        found = (await self._ask(self._wanted(), WatchResponse)).states
        self._known = {one.uuid: one for one in map(_presence, found)}
        return list(self._known.values())

    async def writing(self, thread_id: int, activity: Activity = Activity.TYPING) -> None:
        """Tell the others that this user is writing; may be called at each key: it is told each three seconds.

        :raises Refused: this user may not write there.
        """
        now = self._clock.seconds()
        if now - self._told.get(thread_id, now - _APART) < _APART:
            return
        self._told = {thread: at for thread, at in self._told.items() if now - at < _APART} | {thread_id: now}
        await self._ask(TypingRequest(thread_id=str(thread_id), action=activity.value), TypingResponse)

    async def seen_by(self, who: str = "") -> str:
        """Set who sees when this user is online, if given: ``everybody``, ``friends`` or ``nobody``; return who does.

        Who does not show it does not see that of others either.
        """
        return (await self._ask(SeenByRequest(seen_by=who or UNSET), SeenByResponse)).seen_by

    def arrive(self) -> None:
        """Look at the same users on a new connection."""
        self.leave()
        self._here = True
        self._look()

    def leave(self) -> None:
        """The connection is gone."""
        self._here = False
        if self._later is not None:
            self._later.cancel()
            self._later = None

    def _look(self) -> None:
        self._later = None
        if self._watched:
            self._request(self._wanted(), WatchResponse).addCallbacks(self._again, self._unwatched)

    def pushed(self, push: Message) -> bool:
        """Tell what a push says; return ``False`` for a push of another kind."""
        match push:
            case PresencePush():
                self._tell(push.states)
            case TypingPush():
                activity = {one.value: one for one in Activity}.get(push.action, Activity.TYPING)
                self.on_typing.emit(
                    Typing(thread_id=int(push.thread_id), uuid=int(push.uuid), activity=activity)
                )
            case _:
                return False
        return True

    def _wanted(self) -> WatchRequest:
        return WatchRequest(users=[str(uuid) for uuid in self._watched])

    def _again(self, response: WatchResponse) -> None:
        self._known = {}  # without a connection nobody knew: all of it is news
        self._tell(response.states)

    def _unwatched(self, reason: Failure) -> None:
        _log.debug("Who is online could not be asked: {reason}", reason=reason.value)
        passes = isinstance(reason.value, Refused) and reason.value.status.retryable
        if passes and self._here and self._later is None:  # the server watches nobody now
            self._later = self._clock.callLater(AGAIN, self._look)

    def _tell(self, states: Collection[State]) -> None:
        for state in states:
            presence = _presence(state)
            if presence.uuid in self._watched and self._known.get(presence.uuid) != presence:
                self._known[presence.uuid] = presence
                self.on_presence.emit(presence)


def _presence(state: State) -> Presence:
    words = {one.value: one for one in Availability}
    return Presence(
        uuid=int(state.uuid),
        availability=words.get(state.state, Availability.RECENTLY),
        last_seen=parse_time(state.last_seen) if state.last_seen else None,
    )
