"""Who takes part in a conversation."""

from __future__ import annotations

from collections.abc import Iterable

from imsys.cli.mentions import mentioned
from imsys.cli.names import Names
from imsys.cli.places import Place
from imsys.sdk import Client, Membership, Mentions

_KNOWN = 1000
"""Members of a group up to which all of them are known by name; of a larger one, those who have said something."""


class Members:
    """The members of a conversation, as far as they are known."""

    def __init__(self, client: Client, names: Names) -> None:
        self._client = client
        self._names = names
        self._group = False
        self._users: set[int] = set()
        self.count = 0
        """How many a group has."""

    @property
    def others(self) -> set[int]:
        """All but the user."""
        return self._users - {self._client.me.uuid}

    async def meet(self, place: Place, speakers: Iterable[int]) -> None:
        """Get to know those of a conversation; ``speakers`` have said something in it."""
        self._users = set(speakers)
        if place.other is not None:
            self._names.learn(place.other)
            self._users = {place.other.uuid}
        else:
            self._group = True
            self.count = (await self._client.groups.get(place.thread_id)).members
            if self.count <= _KNOWN:
                self._users = {one.uuid async for one in self._client.groups.members(place.thread_id)}
        await self._names.load(self._users)

    def heard(self, uuid: int) -> None:
        """Somebody has said something."""
        self._users.add(uuid)

    def changed(self, entry: Membership) -> bool:
        """Take who came and who went; return whether somebody did."""
        if entry.action in ("joined", "link"):
            self._users = self._users.union(entry.users)
            self.count += len(entry.users)
        elif entry.action in ("left", "removed"):
            self._users = self._users.difference(entry.users)
            self.count -= len(entry.users)
        else:
            return False
        if self.count <= _KNOWN:
            self.count = len(self._users)
        return True

    def mentions(self, text: str) -> Mentions:
        """Return whom a text mentions."""
        users = ((uuid, self._names.username(uuid)) for uuid in self._users)
        return mentioned(text, users, everybody=self._group)

    @property
    def usernames(self) -> list[str]:
        """The usernames of the others."""
        return [name for name in map(self._names.username, self.others) if name]
