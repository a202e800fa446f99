"""What others do now, and letting them know what I do."""

from __future__ import annotations

from collections.abc import Collection

from client.core.following import Activity, Busy, Presence
from client.sync.parts import Uses


class Following(Uses):
    """See :class:`client.core.following.Following`."""

    def presence(self, uuid: int) -> Presence | None:
        """Whether somebody is online."""
        return self.parts.known.presences.get(uuid)

    def busy(self, conversation: int) -> Busy:
        """Who is writing."""
        return self.parts.known.activities.of(conversation)

    def look_at(self, people: Collection[int]) -> None:
        """Follow whether these are online."""
        self.parts.presences.look_at(people)

    def tell_activity(self, conversation: int, activity: Activity = Activity.WRITING) -> None:
        """Let the others know what I do."""
        self.parts.busy.tell(conversation, activity)
