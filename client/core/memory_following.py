"""What others do now, in a :class:`client.core.memory.MemoryAccount`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from client.core.following import Activity, Busy, Presence
from client.core.lifelike.people import presences
from client.core.memory_world import MemoryWorld
from client.core.model import Link, Message


class MemoryFollowing(MemoryWorld):
    """:meth:`set_presence` and :meth:`does` say what others do; it lasts until it is said otherwise."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        self.looked_at: tuple[int, ...] = ()
        self.told: list[tuple[int, Activity]] = []
        """What I have let others know that I do."""
        self._presences = presences(self.now_ms) if self._conversations else {}
        self._busy: dict[int, dict[int, Activity]] = {}

    def presence(self, uuid: int) -> Presence | None:
        """Whether somebody is online."""
        return self._presences.get(uuid) if self._connection.link is Link.ONLINE else None

    def busy(self, conversation: int) -> Busy:
        """Who is writing."""
        return dict(self._busy.get(conversation, {})) if self._connection.link is Link.ONLINE else {}

    def look_at(self, people: Collection[int]) -> None:
        """Nothing but known: everybody is followed."""
        self.looked_at = tuple(people)

    def tell_activity(self, conversation: int, activity: Activity = Activity.WRITING) -> None:
        """I do something."""
        self.told.append((conversation, activity))

    def set_presence(self, uuid: int, presence: Presence) -> None:
        """Somebody comes or goes."""
        self._presences[uuid] = presence
        self.changes.presence.fire([uuid])

    def does(self, conversation: int, uuid: int, activity: Activity | None = Activity.WRITING) -> None:
        """Somebody does something; ``None``: not any more."""
        there = self._busy.setdefault(conversation, {})
        if activity is None:
            there.pop(uuid, None)
        else:
            there[uuid] = activity
        self.changes.busy.fire(conversation)

    def set_connection(self, link: Link, reason: str = "", retry_at_ms: int = 0) -> None:
        """Without one nothing of this is known."""
        super().set_connection(link, reason, retry_at_ms)
        self.changes.presence.fire(tuple(self._presences))
        for conversation in self._busy:
            self.changes.busy.fire(conversation)

    def receive(self, conversation: int, text: str = "", sender: int = 0, **more: Any) -> Message:
        """Who has written is not writing any more."""
        message = super().receive(conversation, text, sender, **more)
        self.does(conversation, message.sender, None)
        return message
