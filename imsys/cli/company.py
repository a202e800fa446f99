"""Who is there: online or not, and who is writing, in a line above what the user types."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from imsys.cli.names import Names
from imsys.cli.places import Place
from imsys.cli.spans import time_text
from imsys.cli.text import listed
from imsys.sdk import Activity, Availability, Client, ConnectionState, Presence, Typing

_OVER = 6.0
"""Seconds after which a notice of typing is over."""
_WATCHED = 200
"""Users who can be watched, at most."""
_NAMED = 2
"""Those who are writing by name, at most."""

_DOES = {
    Activity.TYPING: "writing",
    Activity.RECORDING: "recording",
    Activity.FILE: "sending a file",
}


class Company:
    """The others of a conversation.

    :param show: shows the line.
    :param calendar: the time of day in Unix seconds.
    """

    def __init__(
        self,
        clock: IReactorTime,
        client: Client,
        names: Names,
        show: Callable[[str], None],
        calendar: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._client = client
        self._names = names
        self._show = show
        self._calendar = calendar
        self._place = Place(thread_id=0, title="")
        self._others: frozenset[int] = frozenset()
        self._count = 0
        self._there: dict[int, Presence] = {}
        self._writing: dict[int, tuple[Activity, IDelayedCall]] = {}
        client.on_presence.subscribe(self._came_or_went)
        client.on_typing.subscribe(self._types)

    def begin(self, place: Place, others: Collection[int], count: int) -> None:
        """Watch the others of a conversation, in place of those before; ``count``: how many members it has."""
        self._place, self._count = place, count
        self._others = frozenset(others) if len(others) <= _WATCHED else frozenset()
        self._there = {uuid: one for uuid, one in self._there.items() if uuid in self._others}
        self._paint()
        if self._others:
            Deferred.fromCoroutine(self._watch()).addErrback(_no_matter)

    def typed(self) -> None:
        """Tell the others that the user is writing."""
        if self._client.state is ConnectionState.ONLINE:
            told = self._client.presence.writing(self._place.thread_id)
            Deferred.fromCoroutine(told).addErrback(_no_matter)

    def heard(self, uuid: int) -> None:
        """A message of somebody has come: they have written it."""
        found = self._writing.pop(uuid, None)
        if found is not None:
            found[1].cancel()
            self._paint()

    def end(self) -> None:
        """Show nothing any more."""
        for _, over in self._writing.values():
            over.cancel()
        self._writing = {}
        self._place = Place(thread_id=0, title="")

    async def _watch(self) -> None:
        for one in await self._client.presence.watch(self._others):
            self._there[one.uuid] = one
        self._paint()

    def _came_or_went(self, presence: Presence) -> None:
        if presence.uuid in self._others:
            self._there[presence.uuid] = presence
            self._paint()

    def _types(self, typing: Typing) -> None:
        if typing.thread_id != self._place.thread_id or typing.uuid == self._client.me.uuid:
            return
        Deferred.fromCoroutine(self._named(typing)).addErrback(_no_matter)

    async def _named(self, typing: Typing) -> None:
        await self._names.load([typing.uuid])
        if typing.thread_id != self._place.thread_id:
            return  # it has ended meanwhile
        found = self._writing.pop(typing.uuid, None)
        if found is not None:
            found[1].cancel()
        over = self._clock.callLater(_OVER, self._no_more, typing.uuid)
        self._writing[typing.uuid] = typing.activity, over
        self._paint()

    def _no_more(self, uuid: int) -> None:
        if self._writing.pop(uuid, None) is not None:
            self._paint()

    def _paint(self) -> None:
        if self._place.thread_id:
            private = self._place.other is not None
            does = self._does()
            self._show(does if does and private else "; ".join(filter(None, (self._who(), does))))

    def _who(self) -> str:
        now = datetime.fromtimestamp(self._calendar(), UTC).astimezone()
        title, other = self._place.title, self._place.other
        if other is None:
            online = sum(one.availability is Availability.ONLINE for one in self._there.values())
            members = "1 member" if self._count == 1 else f"{self._count} members"
            return f"{title}: {members}" + (f", {online + 1} online" if online else "")
        there = self._there.get(other.uuid)
        if there is not None and there.availability is Availability.ONLINE:
            return f"{title}: online"
        if there is not None and there.last_seen is not None:
            return f"{title}: last seen {time_text(there.last_seen, now)}"
        return title

    def _does(self) -> str:
        if not self._writing:
            return ""
        activities = {activity for activity, _ in self._writing.values()}
        does = _DOES[activities.pop()] if len(activities) == 1 else _DOES[Activity.TYPING]
        names = [self._names.of(uuid) for uuid in self._writing]
        who = listed(names) if len(names) <= _NAMED else f"{len(names)} members"
        return f"{who} {'is' if len(names) == 1 else 'are'} {does}..."


def _no_matter(_: Any) -> None:
    """Ignore failures: nothing depends on it."""
