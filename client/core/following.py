"""What others do now: who is online, and who is writing. Nothing of it is stored, and without a connection
nothing is known of it.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

LASTS_S = 6.0
"""Seconds for which somebody is writing, if nothing more is heard."""
TOLD_TO = 100
"""Members of the largest group that hears who is writing."""
LOOKED_AT = 200
"""People whom one may look at, at a time."""


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether somebody is online.

    :param last_seen_ms: when they were, to the minute; 0: nobody knows.
    :param hidden: they do not show it to me, so that neither is known.
    """

    online: bool = False
    last_seen_ms: int = 0
    hidden: bool = False


class Activity(enum.Enum):
    """What somebody does in a conversation."""

    WRITING = "writing"
    RECORDING = "recording"
    SENDING = "sending"
    """A file."""


Busy = Mapping[int, Activity]
"""Who does something in a conversation, by uuid, whoever began first coming first."""


class Following(Protocol):
    """The part of an account that tells what others do now."""

    def presence(self, uuid: int) -> Presence | None:
        """Whether somebody is online; ``None``: it is not known, or they are not looked at."""
        ...

    def busy(self, conversation: int) -> Busy:
        """Who is writing in a conversation."""
        ...

    def look_at(self, people: Collection[int]) -> None:
        """Follow whether these are online, in place of those before; of more than :data:`LOOKED_AT` the first."""
        ...

    def tell_activity(self, conversation: int, activity: Activity = Activity.WRITING) -> None:
        """Let the others know what I do there; may be called at each key."""
        ...


class Activities:
    """Who does what in which conversation, until they have not been heard of for :data:`LASTS_S`.

    Times are seconds of any clock that goes forward.
    """

    def __init__(self) -> None:
        self._until: dict[int, dict[int, tuple[Activity, float]]] = {}

    def of(self, conversation: int) -> Busy:
        """Who does something there."""
        return {uuid: activity for uuid, (activity, _) in self._until.get(conversation, {}).items()}

    def heard(self, conversation: int, uuid: int, activity: Activity, now: float) -> bool:
        """Somebody does something; whether that is news."""
        there = self._until.setdefault(conversation, {})
        before, there[uuid] = there.get(uuid), (activity, now + LASTS_S)
        return before is None or before[0] is not activity

    def over(self, conversation: int, uuid: int) -> bool:
        """They do not any more; whether they did."""
        there = self._until.get(conversation, {})
        found = there.pop(uuid, None) is not None
        if not there:
            self._until.pop(conversation, None)
        return found

    def expire(self, now: float) -> set[int]:
        """Forget who was not heard of; the conversations that are different then."""
        gone = [
            (conversation, uuid)
            for conversation, there in self._until.items()
            for uuid, (_, until) in there.items()
            if until <= now
        ]
        return {conversation for conversation, uuid in gone if self.over(conversation, uuid)}

    def clear(self) -> set[int]:
        """Forget all; the conversations that are different then."""
        gone, self._until = set(self._until), {}
        return gone

    @property
    def next_at(self) -> float | None:
        """When somebody is to be forgotten next; ``None``: nobody does anything."""
        return min((until for there in self._until.values() for _, until in there.values()), default=None)
